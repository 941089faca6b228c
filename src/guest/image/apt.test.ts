import { describe, expect, it } from 'vitest'
import { debianArchives, libraryClosure, ownSuiteLines, suiteLines } from './apt.ts'

const STANZAS = `# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
# http://elsewhere.example/debian-security
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb
URIs: https://vendor.example/linux/debian
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/vendor.gpg
`

describe('debianArchives', () => {
  it("reads stanzas, and leaves out what is disabled or another vendor's", () => {
    expect(debianArchives([{ name: 'debian.sources', text: STANZAS }])).toEqual([
      { uri: 'http://mirror.example/debian', suites: ['bookworm', 'bookworm-updates'], security: false },
      { uri: 'http://mirror.example/debian-security', suites: ['bookworm-security'], security: true },
    ])
  })

  it('reads one-line sources', () => {
    const text = [
      'deb http://mirror.example/debian/ bookworm main contrib # the mirror',
      'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://other.example/debian trixie main',
      '# deb http://off.example/debian sid main',
      'deb-src http://src.example/debian bookworm main',
      'deb https://vendor.example/linux/debian bookworm stable',
    ].join('\n')
    expect(debianArchives([{ name: 'sources.list', text }])).toEqual([
      { uri: 'http://mirror.example/debian', suites: ['bookworm'], security: false },
      { uri: 'http://other.example/debian', suites: ['trixie'], security: false },
    ])
  })

  it("gives lines that trust Debian's keyring only, for one suite or for the machine's own", () => {
    const archives = debianArchives([{ name: 'debian.sources', text: STANZAS }])
    const keyring = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    expect(suiteLines(archives, 'sid', 'main')).toEqual([`deb ${keyring} http://mirror.example/debian sid main`])
    expect(ownSuiteLines(archives)).toEqual([
      `deb ${keyring} http://mirror.example/debian bookworm main`,
      `deb ${keyring} http://mirror.example/debian bookworm-updates main`,
      `deb ${keyring} http://mirror.example/debian-security bookworm-security main`,
    ])
  })
})

describe('libraryClosure', () => {
  it('follows libraries of libraries, and no tools', () => {
    const output = [
      'ssh-server',
      '  Depends: libc6',
      ' |Depends: debconf',
      '  Depends: <debconf-2.0>',
      '    cdebconf',
      '  Depends: libcrypt1',
      'libcrypt1',
      '  Depends: libmath1',
      'debconf',
      '  Depends: libperl',
      'libmath1',
      '  Depends: zlib1g',
      'libc6',
    ].join('\n')
    expect(libraryClosure(output, ['ssh-server'])).toEqual(['libc6', 'libcrypt1', 'libmath1', 'ssh-server', 'zlib1g'])
  })
})
