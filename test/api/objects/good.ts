import { dockerfile, uri, withSpec, withGit, withSource, full, served, type ObjectCase } from './makers.ts';

export const goodCases: readonly ObjectCase[] = [
  {
    title: 'the least there can be: an inline Dockerfile',
    object: withSpec({ source: { dockerfile } }),
    errors: [],
  },
  {
    title: 'a git repository alone',
    object: withGit({ uri: 'https://github.com/alezzandro/test-arm-container' }),
    errors: [],
  },
  { title: 'every field of spec', object: withSpec(full), errors: [] },
  {
    title: 'what kubectl get -o yaml adds',
    object: {
      ...withSpec({ source: { dockerfile } }),
      metadata: served,
      status: { observedGeneration: 'ignored' },
    },
    errors: [],
  },
  {
    title: 'fields that are null count as absent',
    object: withSpec({
      source: { dockerfile, git: null, contextDir: null },
      platforms: null,
      output: { labels: { gone: null } },
      verify: null,
    }),
    errors: [],
  },
  {
    title: 'git over ssh, with a user',
    object: withGit({ uri: 'ssh://git@git.example.com:2222/team/app.git' }),
    errors: [],
  },
  {
    title: 'git over ssh, the short way',
    object: withGit({ uri: 'git@github.com:team/app.git' }),
    errors: [],
  },
  {
    title: 'git over http and over its own protocol, on loopback',
    object: withGit({ uri: 'git://[::1]:9418/app' }),
    errors: [],
  },
  {
    title: 'a git uri with a query',
    object: withGit({ uri: 'http://127.0.0.1:8080/app.git?x=1@2' }),
    errors: [],
  },
  {
    title: 'a ref that is a commit',
    object: withGit({ uri, ref: '0123456789abcdef0123456789abcdef01234567' }),
    errors: [],
  },
  {
    title: 'a ref with slashes, dots and an @',
    object: withGit({ uri, ref: 'release/v1.2@rc-1' }),
    errors: [],
  },
  {
    title: 'a source directory below others',
    object: withSource({ contextDir: './a..b/.hidden', dockerfilePath: 'deploy/Dockerfile.arm64' }),
    errors: [],
  },
  {
    title: 'a base image by digest on a registry with a port',
    object: withSpec({
      source: { dockerfile },
      baseImages: [{ from: 'Stage', image: `localhost:5000/a/b_c--d:1@sha256:${'0'.repeat(64)}` }],
    }),
    errors: [],
  },
  {
    title: 'characters of many bytes up to the bound',
    object: withSpec({ source: { dockerfile }, buildArgs: [{ name: 'A', value: '😀'.repeat(4096) }] }),
    errors: [],
  },
  {
    title: 'a smoke command with an empty argument',
    object: withSpec({ source: { dockerfile }, verify: { command: ['/bin/sh', '-c', ''] } }),
    errors: [],
  },
  {
    title: 'the bounds of the numbers',
    object: withSpec({
      source: { dockerfile },
      deploy: { replicas: 1000, port: 65535 },
      retry: { limit: 0 },
      timeoutSeconds: 86400,
      history: { successful: 100, failed: 0 },
    }),
    errors: [],
  },
  {
    title: 'an output stream with the longest tag',
    object: withSpec({ source: { dockerfile }, output: { imageStreamTag: `a.b_c-d:_${'x'.repeat(118)}` } }),
    errors: [],
  },
  {
    title: 'a deployment of which everything is left to us',
    object: withSpec({ source: { dockerfile }, deploy: {} }),
    errors: [],
  },
  {
    title: 'amounts as Kubernetes writes them',
    object: withSpec({
      source: { dockerfile },
      resources: { requests: { cpu: '.5', memory: '1e9' }, limits: { cpu: '2', memory: '1G' } },
    }),
    errors: [],
  },
  {
    title: 'the longest name of a Secret',
    object: withSource({ secretRef: { name: 'a'.repeat(253) } }),
    errors: [],
  },
];
