/** What the operator's account must be able to do, and what it must not. */
import { execa } from 'execa';

export const operator = 'system:serviceaccount:edgebuild-system:edgebuild';

const each = (verbs: string, what: string): readonly string[] =>
  verbs.split(' ').map((verb) => `${verb} ${what}`);

/** Questions that must be answered with yes. */
export const needed: readonly string[] = [
  ...each('get list watch', 'edgebuilds.edgebuild.io'),
  ...['patch edgebuilds.edgebuild.io/status', 'update edgebuilds.edgebuild.io/finalizers'],
  ...each('get list watch create', 'nodeemulations.edgebuild.io'),
  'patch nodeemulations.edgebuild.io/status',
  ...each('get list watch patch', 'nodes'),
  ...each('get list watch', 'buildconfigs.build.openshift.io'),
  'create leases.coordination.k8s.io in edgebuild-system',
  ...each('get update', 'leases.coordination.k8s.io:edgebuild.io in edgebuild-system'),
  ...each('get list watch create patch delete', 'daemonsets.apps in edgebuild-node'),
  ...each('get list watch', 'pods in edgebuild-node'),
  ...each('create patch', 'events.events.k8s.io in default'),
];

const namespaces = ['default', 'kube-system', 'edgebuild-system', 'edgebuild-node'];
const inEach = (names: readonly string[], questions: readonly string[]): readonly string[] =>
  ['', ...names.map((name) => ` in ${name}`)].flatMap((where) =>
    questions.map((question) => `${question}${where}`),
  );

/** Questions that must be answered with no, by what their answer would let it do. */
export const refused: Readonly<Record<string, readonly string[]>> = {
  'read a secret, start a pod or enter one, in any namespace': inEach(namespaces, [
    ...each('get list watch', 'secrets'),
    ...each('create update patch delete', 'pods'),
    ...each('get create', 'pods/exec'),
    ...['create pods/attach', 'patch pods/ephemeralcontainers', 'get pods/log', 'create pods/eviction'],
    ...each('create patch', 'deployments.apps'),
    ...['create jobs.batch', 'create serviceaccounts/token', 'get configmaps'],
    ...each('update deletecollection', 'daemonsets.apps'),
    ...each('create update patch delete', 'edgebuilds.edgebuild.io'),
  ]),
  'touch workloads outside of the agents’ namespace': inEach(
    namespaces.filter((name) => name !== 'edgebuild-node'),
    [...each('get list watch create patch delete', 'daemonsets.apps'), ...each('get list watch', 'pods')],
  ),
  'take another lease': [
    'update leases.coordination.k8s.io:another in edgebuild-system',
    'update leases.coordination.k8s.io:edgebuild.io in kube-system',
    'create leases.coordination.k8s.io in kube-system',
  ],
  'change what admins say': each('update patch delete', 'nodeemulations.edgebuild.io'),
  'do more with nodes': [
    ...each('create update delete', 'nodes'),
    ...each('patch update', 'nodes/status'),
    'get nodes/proxy',
  ],
  'gain rights': [
    ...['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'].flatMap((kind) =>
      each('bind escalate create patch', `${kind}.rbac.authorization.k8s.io`),
    ),
    ...['users', 'groups', 'serviceaccounts'].map((kind) => `impersonate ${kind}`),
    ...each('patch delete', 'validatingadmissionpolicies.admissionregistration.k8s.io'),
  ],
  'write events elsewhere': inEach(
    namespaces.filter((name) => name !== 'default'),
    each('create patch', 'events.events.k8s.io'),
  ),
};

/** What it must be able to do in any namespace of an OpenShift, beside {@link needed}. */
export const neededOnOpenShift: readonly string[] = [
  ...each('get list watch create patch delete', 'buildconfigs.build.openshift.io'),
  ...['create buildconfigs.build.openshift.io/instantiate', 'create builds.build.openshift.io/docker'],
  ...each('get list watch patch', 'builds.build.openshift.io'),
  ...each('get list watch create patch delete', 'imagestreams.image.openshift.io'),
  ...each('get update', 'imagestreams.image.openshift.io/layers'),
  ...['get imagestreamtags.image.openshift.io', 'get imagestreamimages.image.openshift.io'],
  'create imagestreamimports.image.openshift.io',
  ...each('get list watch', 'pods'),
  ...['deployments.apps', 'services', 'routes.route.openshift.io'].flatMap((kind) =>
    each('get list watch create patch delete', kind),
  ),
  ...each('create patch', 'events.events.k8s.io'),
];

const { 'touch workloads outside of the agents’ namespace': _, ...others } = refused;

/** What it must not be able to do there: all that it may not elsewhere, but for what an EdgeBuild is made of. */
export const refusedOnOpenShift: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    Object.entries(others)
      .filter(([what]) => what !== 'write events elsewhere')
      .map(([what, questions]) => [
        what,
        questions.filter((question) => !/^(create|patch) deployments\.apps( |$)/.test(question)),
      ]),
  ),
  'touch agents outside of their namespace': inEach(
    namespaces.filter((name) => name !== 'edgebuild-node'),
    each('create patch delete', 'daemonsets.apps'),
  ),
  'run anything but Deployments': [
    ...['statefulsets.apps', 'replicasets.apps', 'jobs.batch', 'cronjobs.batch', 'replicationcontrollers'],
    ...['deploymentconfigs.apps.openshift.io'],
  ].flatMap((kind) => each('create patch update delete', kind)),
  'do more with builds': [
    ...each('create update delete deletecollection', 'builds.build.openshift.io'),
    ...each('update deletecollection', 'buildconfigs.build.openshift.io'),
    ...[
      'create buildconfigs.build.openshift.io/instantiatebinary',
      'create buildconfigs.build.openshift.io/webhooks',
    ],
    ...[
      'get builds.build.openshift.io/log',
      'create builds.build.openshift.io/clone',
      'update builds.build.openshift.io/details',
    ],
    ...each('create', 'builds.build.openshift.io/custom'),
    ...each('create', 'builds.build.openshift.io/source'),
    ...each('create', 'builds.build.openshift.io/jenkinspipeline'),
  ],
  'do more with images': [
    ...each('update deletecollection', 'imagestreams.image.openshift.io'),
    ...each('create update patch delete list', 'imagestreamtags.image.openshift.io'),
    ...each('get list create update patch delete', 'images.image.openshift.io'),
    ...['get imagestreams.image.openshift.io/secrets', 'patch imagestreams.image.openshift.io/status'],
  ],
  'read what is configured, or use an account or an SCC': [
    ...each('get list watch', 'configmaps'),
    ...each('get list impersonate', 'serviceaccounts'),
    ...['privileged', 'anyuid', 'hostnetwork'].map(
      (name) => `use securitycontextconstraints.security.openshift.io:${name}`,
    ),
  ],
};

/**
 * Which of the questions the API server answers with yes for a user. A question is `VERB RESOURCE.GROUP/SUBRESOURCE:NAME in
 * NAMESPACE`, of which only verb and resource must be there; without a namespace it is about all of them.
 */
export const allowed = async (user: string, questions: readonly string[]): Promise<readonly string[]> => {
  const items = questions.map((question) => ({
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: { user, groups: groupsOf(user), resourceAttributes: attributesOf(question) },
  }));
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const { stdout } = await execa('kubectl', ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}\n'], {
    input,
  });
  const answers = stdout.trim().split('\n');
  if (answers.length !== questions.length) throw new Error(`${questions.length} questions, and ${stdout}`);
  return questions.filter((_, index) => answers[index] === 'true');
};

const attributesOf = (question: string): Readonly<Record<string, string>> => {
  const found = /^(?<verb>\w+) (?<resource>\w+)(\.(?<group>[\w.]+))?(\/(?<subresource>\w+))?(:(?<name>\S+))?( in (?<namespace>\S+))?$/.exec(question); // prettier-ignore
  if (found?.groups === undefined) throw new Error(`no question: ${question}`);
  return Object.fromEntries(Object.entries(found.groups).filter(([, value]) => typeof value === 'string'));
};

/** As the API server finds them in a token. */
const groupsOf = (user: string): readonly string[] => {
  const [, namespace] = /^system:serviceaccount:([^:]+):/.exec(user) ?? [];
  const accounts =
    namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return ['system:authenticated', ...accounts];
};
