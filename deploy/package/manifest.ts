import { z } from 'zod';

const versions = z.record(z.string(), z.string());

/** What the package is made of: package.json and package-lock.json of a clone. */
export const cloneSchema = z.object({
  manifest: z.looseObject({
    name: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.string(),
    engines: versions,
    bin: versions,
    exports: versions,
    imports: versions,
    dependencies: versions,
  }),
  lock: z.looseObject({
    lockfileVersion: z.literal(3),
    packages: z.record(z.string(), z.looseObject({ version: z.string().optional(), dev: z.boolean().optional() })),
  }),
});
export type Clone = z.infer<typeof cloneSchema>;

/** What the package brings along, because npm would run its install script. */
export const bundled = '@tensorflow/tfjs-node-gpu';

/** What that needs where it runs; the rest of what it names is for its install script. */
const neededByBundled = ['@mapbox/node-pre-gyp', '@tensorflow/tfjs', 'google-protobuf', 'progress'];

/**
 * The package.json of the package: what a clone's says, without what only development needs; what people import is the compiled code and
 * its types; and each version is the one that was tested.
 */
export function packageManifest({ manifest, lock }: Clone) {
  const { name, version, description, license, engines, bin, exports, imports, dependencies } = manifest;
  const compiled = ([path, source]: [string, string]) => {
    const bare = source.replace(/^\.\//, '').replace(/\.ts$/, '');
    return [path, { types: `./dist/types/${bare}.d.ts`, default: `./dist/${bare}.js` }];
  };
  return {
    ...{ name, version, description, license },
    keywords: ['contrastive-learning', 'supcon', 'temporal', 'tensorflow', 'durable', 'image-similarity'],
    type: 'module',
    ...{ engines, bin, imports },
    exports: { ...Object.fromEntries(Object.entries(exports).map(compiled)), './package.json': './package.json' },
    // npm takes what is bundled as it is, and does not look at what that needs.
    dependencies: exactVersions([...Object.keys(dependencies), ...neededByBundled], lock),
    bundleDependencies: [bundled],
  };
}

/**
 * The package.json of tfjs-node as the package bundles it: without scripts, because npm would run the one that fetches an old library, and
 * with the versions that were tested.
 */
export function bundledManifest(theirs: unknown, { lock }: Clone): Record<string, unknown> {
  const { scripts: _, devDependencies: __, gypfile: ___, ...rest } = z.looseObject({}).parse(theirs);
  return { ...rest, dependencies: exactVersions(neededByBundled, lock) };
}

/** The package-lock.json of what the package needs to run. */
export function lockOfPackage(clone: Clone): Record<string, unknown> {
  const { packages, ...rest } = clone.lock;
  const { name, version, license, bin, engines, dependencies } = packageManifest(clone);
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  const path = `node_modules/${bundled}`;
  return {
    ...rest,
    packages: {
      '': { name, version, license, bin, engines, dependencies },
      ...Object.fromEntries(needed),
      [path]: { ...packages[path], dependencies: exactVersions(neededByBundled, clone.lock) },
    },
  };
}

function exactVersions(names: readonly string[], { packages }: Clone['lock']): Record<string, string> {
  const versionOf = (name: string) => {
    const version = packages[`node_modules/${name}`]?.version;
    if (version === undefined) throw new Error(`package-lock.json does not say which version of ${name} there is.`);
    return version;
  };
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}
