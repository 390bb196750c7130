/**
 * What a child process gets of its parent's environment: a list, so that keys, tokens and whatever else a shell holds stay
 * with the process that needs them. A trainer's last lines go into Temporal's history when it crashes.
 */

/** What any program may need: where things are, how to speak, which time it is. Names that end in `*` stand for all that begin so. */
const everyChild = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TMPDIR',
  'LANG',
  'LANGUAGE',
  'LC_*',
  'TZ',
  'TERM',
  'NO_COLOR',
] as const;

/** Of Go, which Temporal's server and esbuild are written in. */
const server = ['GOMAXPROCS', 'GOMEMLIMIT'] as const;

/** Names for a child that computes. */
const compute = [
  'FORCE_COLOR',
  // Of native/load.mjs: which compilation of our code the parent runs.
  'CONTRAIL_COMPILATION',
  // Of native/paths.ts: where TensorFlow is.
  'CONTRAIL_CACHE',
  'XDG_CACHE_HOME',
  // Of Node: what decides how it runs. Heap sizes stand here.
  'NODE_OPTIONS',
  'NODE_ENV',
  'NODE_EXTRA_CA_CERTS',
  'NODE_V8_COVERAGE',
  'UV_THREADPOOL_SIZE',
  // Of the C library, TensorFlow, CUDA and the libraries that multiply.
  'LD_*',
  'GLIBC_TUNABLES',
  'MALLOC_*',
  'TF_*',
  'XLA_*',
  'CUDA_*',
  'CUDNN_*',
  'CUBLAS_*',
  'NCCL_*',
  'NVIDIA_*',
  'OMP_*',
  'KMP_*',
  'GOMP_*',
  'ONEDNN_*',
  'DNNL_*',
  'MKL_*',
  'OPENBLAS_*',
  // Of the Hugging Face hub: where it is, and what was fetched from it. The worker fetches, and keeps the token.
  'HF_*',
] as const;

/**
 * Names for a child of ours that reads or writes the store itself, as the AWS SDK knows them: where the server is, and who asks. No
 * program of the user's own gets them.
 */
const store = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
] as const;

/** Names for a child that fetches or compiles: indexes, proxies and certificates, which may hold a password, and search paths. */
const setUp = [
  'PIP_*',
  'PYTHONPATH',
  'PYTHONHOME',
  'PYTHONUSERBASE',
  'PYTHONNOUSERSITE',
  'VIRTUAL_ENV',
  'XDG_CONFIG_HOME',
  'NETRC',
  'APT_CONFIG',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'CPATH',
  'C_INCLUDE_PATH',
  'CPLUS_INCLUDE_PATH',
  'LIBRARY_PATH',
  'COMPILER_PATH',
] as const;

/** What a listed prefix must not let through: `TF_VAR_*` and `TF_TOKEN_*` are Terraform's, `NVIDIA_API_KEY` is a key. */
const secret = /^TF_VAR_|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH|WEBHOOK|(^|_)(API_?)?KEY(S|_|$)/i;

const matches = (name: string, listed: readonly string[]) =>
  listed.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each));

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of a process that its child may have.
 *
 * @param purpose `server` is for Temporal's and for small programs, `compute` for all that work for a run; `store` adds what reaches a
 * store on a server, for processes and threads of ours that open it; `set-up` adds what reaches a package index or a compiler's headers
 */
export function childEnvironment(
  environment: Environment,
  purpose: 'server' | 'compute' | 'store' | 'set-up',
): Record<string, string> {
  const listed: readonly string[] = [...everyChild, ...(purpose === 'server' ? server : compute)];
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => {
      const isListed =
        (matches(name, listed) && !secret.test(name)) ||
        (purpose === 'store' && matches(name, store)) ||
        // Programs read proxies in capitals and in small letters.
        (purpose === 'set-up' && matches(name.toUpperCase(), setUp));
      return isListed && value !== undefined ? [[name, value]] : [];
    }),
  );
}

/**
 * Starts a program that takes its variables from this process and cannot be given others, as esbuild is: for so long this process has
 * those that such a child may have.
 *
 * @param start starts it before it returns
 */
export function inChildEnvironment<T>(purpose: Parameters<typeof childEnvironment>[1], start: () => T): T {
  const own = process.env;
  process.env = childEnvironment(own, purpose);
  try {
    return start();
  } finally {
    process.env = own;
  }
}
