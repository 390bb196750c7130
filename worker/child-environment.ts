/** What any program may need: where things are, how to speak, which time it is. */
const common = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR'];

/** The variables of `environment` that are named, or whose name begins like `prefixes`. */
export const chosenVariables = (
  names: readonly string[],
  prefixes: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );

/** The environment of Temporal's server: no key, no certificate, nobody's secrets. */
export const serverEnvironment = (environment?: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  chosenVariables([...common, 'GOMAXPROCS', 'GOMEMLIMIT'], ['LC_'], environment);
