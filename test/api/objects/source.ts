import { uri, withGit, withSource, type ObjectCase } from './makers.ts';

export const sourceCases: readonly ObjectCase[] = [
  {
    title: 'a git uri that runs a program',
    object: withGit({ uri: 'ext::sh -c touch% /tmp/x' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri has whitespace or a control character in it: write the address in one piece',
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri that is a file',
    object: withGit({ uri: 'file:///etc/passwd' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri that is a path',
    object: withGit({ uri: '../repository' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri of colons',
    object: withGit({ uri: '::::' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri that is an option',
    object: withGit({ uri: '--upload-pack=touch' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri whose host is an option',
    object: withGit({ uri: 'ssh://-oProxyCommand=touch/x' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri whose user is an option',
    object: withGit({ uri: 'ssh://-oProxyCommand=touch@host/x' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri whose short host is an option',
    object: withGit({ uri: 'git@-oProxyCommand=touch:x' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri without a path',
    object: withGit({ uri: 'https://github.com' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri of another scheme, with a password, that no message shows',
    object: withGit({ uri: 'ftp://user:hunter2@example.com/x' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri with a password',
    object: withGit({ uri: 'https://user:hunter2@example.com/x.git' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri carries credentials, and everybody who may read this object could read them: remove what stands before the @; git uses the credentials of whoever builds',
    ],
  },
  {
    title: 'a git uri with a token',
    object: withGit({ uri: 'https://ghp_hunter2@github.com/x.git' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri carries credentials, and everybody who may read this object could read them: remove what stands before the @; git uses the credentials of whoever builds',
    ],
  },
  {
    title: 'a git uri over ssh with a password',
    object: withGit({ uri: 'ssh://git:hunter2@example.com/x.git' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri carries credentials, and everybody who may read this object could read them: remove what stands before the @; git uses the credentials of whoever builds',
    ],
  },
  {
    title: 'a git uri with a space',
    object: withGit({ uri: 'https://example.com/a b' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri has whitespace or a control character in it: write the address in one piece',
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri with a newline',
    object: withGit({ uri: 'https://example.com/a\nb' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri has whitespace or a control character in it: write the address in one piece',
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
    ],
  },
  {
    title: 'a git uri that is empty',
    object: withGit({ uri: '' }),
    errors: [
      'spec.source.git.uri: Forbidden: git uri is none of https://host/path, http://host/path, ssh://host/path, git://host/path and user@host:path: give the address of a git server; for a directory of this machine use edgebuild build --context DIR',
      'spec.source.git.uri: Invalid value: "": spec.source.git.uri in body should be at least 1 chars long',
    ],
  },
  {
    title: 'a git uri that is too long',
    object: withGit({ uri: `https://example.com/${'a'.repeat(2048)}` }),
    errors: ['spec.source.git.uri: Too long: may not be more than 2048 bytes'],
  },
  {
    title: 'a git uri that is missing',
    object: withGit({ ref: 'main' }),
    errors: ['spec.source.git.uri: Required value'],
  },
  {
    title: 'a ref that is an option',
    object: withGit({ uri, ref: '--upload-pack=touch' }),
    errors: [
      'spec.source.git.ref: Invalid value: "--upload-pack=touch": git ref "--upload-pack=touch" starts with "-", which git would read as an option: name a branch, a tag or a commit',
    ],
  },
  {
    title: 'a ref with two dots',
    object: withGit({ uri, ref: 'a..b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a..b": git ref "a..b" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with a tilde',
    object: withGit({ uri, ref: 'main~1' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main~1": git ref "main~1" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a caret',
    object: withGit({ uri, ref: 'main^{tree}' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main^{tree}": git ref "main^{tree}" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a colon',
    object: withGit({ uri, ref: 'main:file' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main:file": git ref "main:file" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a question mark',
    object: withGit({ uri, ref: 'v?' }),
    errors: [
      'spec.source.git.ref: Invalid value: "v?": git ref "v?" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with an asterisk',
    object: withGit({ uri, ref: 'v*' }),
    errors: [
      'spec.source.git.ref: Invalid value: "v*": git ref "v*" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a bracket',
    object: withGit({ uri, ref: 'v[1' }),
    errors: [
      'spec.source.git.ref: Invalid value: "v[1": git ref "v[1" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a backslash',
    object: withGit({ uri, ref: 'a\\b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a\\\\b": git ref "a\\b" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a space',
    object: withGit({ uri, ref: 'a b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a b": git ref "a b" has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a newline, which no message shows',
    object: withGit({ uri, ref: 'a\nb' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a\\nb": git ref has a space, a control character or one of ~ ^ : ? * [ \\ in it: name a branch, a tag or a commit, as git check-ref-format allows it',
    ],
  },
  {
    title: 'a ref with a reflog',
    object: withGit({ uri, ref: 'main@{1}' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main@{1}": git ref "main@{1}" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref that is an @',
    object: withGit({ uri, ref: '@' }),
    errors: [
      'spec.source.git.ref: Invalid value: "@": git ref "@" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with a dot at the end',
    object: withGit({ uri, ref: 'main.' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main.": git ref "main." is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with a part that ends with .lock',
    object: withGit({ uri, ref: 'a.lock/b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a.lock/b": git ref "a.lock/b" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with a part that begins with a dot',
    object: withGit({ uri, ref: 'a/.b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a/.b": git ref "a/.b" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with a slash at the end',
    object: withGit({ uri, ref: 'main/' }),
    errors: [
      'spec.source.git.ref: Invalid value: "main/": git ref "main/" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a ref with an empty part',
    object: withGit({ uri, ref: 'a//b' }),
    errors: [
      'spec.source.git.ref: Invalid value: "a//b": git ref "a//b" is no name that git check-ref-format allows: leave out "..", "@{", "//", a part that begins with "." or ends with ".lock", and "." or "/" at the end',
    ],
  },
  {
    title: 'a contextDir that leads out',
    object: withSource({ contextDir: '../other' }),
    errors: [
      'spec.source.contextDir: Invalid value: "../other": contextDir "../other" has ".." in it, which could lead out of the source: write the path without ".."',
    ],
  },
  {
    title: 'a contextDir that leads out from within',
    object: withSource({ contextDir: 'a/../../b' }),
    errors: [
      'spec.source.contextDir: Invalid value: "a/../../b": contextDir "a/../../b" has ".." in it, which could lead out of the source: write the path without ".."',
    ],
  },
  {
    title: 'a contextDir that is absolute',
    object: withSource({ contextDir: '/etc' }),
    errors: [
      'spec.source.contextDir: Invalid value: "/etc": contextDir "/etc" is absolute: write it relative to the source, without the leading "/"',
    ],
  },
  {
    title: 'a contextDir with a backslash',
    object: withSource({ contextDir: 'a\\b' }),
    errors: [
      'spec.source.contextDir: Invalid value: "a\\\\b": contextDir "a\\b" has a backslash or a control character in it: separate directories with "/"',
    ],
  },
  {
    title: 'a contextDir with a slash at the end',
    object: withSource({ contextDir: 'web/' }),
    errors: [
      'spec.source.contextDir: Invalid value: "web/": contextDir "web/" has an empty part: write one "/" between two parts and none at the end',
    ],
  },
  {
    title: 'a contextDir with an empty part',
    object: withSource({ contextDir: 'a//b' }),
    errors: [
      'spec.source.contextDir: Invalid value: "a//b": contextDir "a//b" has an empty part: write one "/" between two parts and none at the end',
    ],
  },
  {
    title: 'a contextDir that is empty',
    object: withSource({ contextDir: '' }),
    errors: [
      'spec.source.contextDir: Invalid value: "": spec.source.contextDir in body should be at least 1 chars long',
    ],
  },
  {
    title: 'a dockerfilePath that leads out',
    object: withSource({ dockerfilePath: 'web/..' }),
    errors: [
      'spec.source.dockerfilePath: Invalid value: "web/..": dockerfilePath "web/.." has ".." in it, which could lead out of the source: write the path without ".."',
    ],
  },
  {
    title: 'a dockerfilePath that is absolute',
    object: withSource({ dockerfilePath: '/Dockerfile' }),
    errors: [
      'spec.source.dockerfilePath: Invalid value: "/Dockerfile": dockerfilePath "/Dockerfile" is absolute: write it relative to the source, without the leading "/"',
    ],
  },
  {
    title: 'a dockerfilePath with an empty part',
    object: withSource({ dockerfilePath: 'a//Dockerfile' }),
    errors: [
      'spec.source.dockerfilePath: Invalid value: "a//Dockerfile": dockerfilePath "a//Dockerfile" has an empty part: write one "/" between two parts and none at the end',
    ],
  },
  {
    title: 'a dockerfilePath with a control character',
    object: withSource({ dockerfilePath: 'Docker\u0007file' }),
    errors: [
      'spec.source.dockerfilePath: Invalid value: "Docker\\afile": dockerfilePath "Docker\u0007file" has a backslash or a control character in it: separate directories with "/"',
    ],
  },
  {
    title: 'a Dockerfile that is empty',
    object: withSource({ dockerfile: '' }),
    errors: [
      'spec.source.dockerfile: Invalid value: "": spec.source.dockerfile in body should be at least 1 chars long',
    ],
  },
  {
    title: 'a Dockerfile that is too long',
    object: withSource({ dockerfile: '#'.repeat(50_001) }),
    errors: ['spec.source.dockerfile: Too long: may not be more than 50000 bytes'],
  },
  {
    title: 'a Dockerfile with a NUL character',
    object: withSource({ dockerfile: 'FROM a\u0000' }),
    errors: [
      'spec.source.dockerfile: Invalid value: "FROM a\\x00": dockerfile has a NUL character in it: remove it',
    ],
  },
];
