/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, dev?: boolean,
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages by their path, such as `node_modules/zod`
 */

/**
 * Optional dependencies that have no entry; `npm ci` refuses such a lock file.
 *
 * @param {LockedPackages} packages
 */
export function missingOptionalPackages(packages) {
  return Object.entries(packages).flatMap(([path, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isResolved(packages, path, name))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

/**
 * As Node looks for it: beside the package that wants it, then further up.
 *
 * @param {LockedPackages} packages
 * @param {string} from
 * @param {string} name
 */
function isResolved(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (`${folder && `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}
