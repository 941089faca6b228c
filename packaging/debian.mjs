import installer from 'electron-installer-debian'

/** Makes the .deb of an unpacked app. Arguments: its directory, and the directory for the package. */
const [src, dest] = process.argv.slice(2)

installer({
  src,
  dest,
  arch: 'amd64',
  options: {
    name: 'kho-lab',
    // xz takes minutes for Node's binary and saves little.
    compression: 'zstd',
    bin: 'kho-lab',
    productName: 'kho-lab',
    genericName: 'Kexec HandOver laboratory',
    section: 'devel',
    maintainer: 'kho-lab <kho-lab@localhost>',
    homepage: 'https://kho-lab.invalid',
    categories: ['Development'],
    recommends: ['qemu-system-x86', 'openssh-client', 'chromium'],
  },
}).then(
  ({ packagePaths }) => process.stdout.write(`${packagePaths.join('\n')}\n`),
  (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  },
)
