/** The words of a NodeEmulation's status. One reason per cause; the text beside each says what a person does about it. */
export const emulationConditionTypes = {
  Ready: 'every node that should runs programs of every asked architecture, proven',
  Reconciling: 'work is under way',
  Stalled: 'a person must act before anything can go on',
} as const;
export type EmulationConditionType = keyof typeof emulationConditionTypes;

/** Why a condition of a NodeEmulation is as it is. */
export const emulationReasons = {
  Proven: 'on every node that should, programs of every asked architecture ran',
  NotNeeded: 'no EdgeBuild needs emulation, and spec.architectures is empty',
  NodesNotProven:
    'some nodes do not run programs of an asked architecture: status.problems says which, and why',
  NoNodes: 'no node is of linux/amd64 and matches spec.nodeSelector: correct the selector, or add a node',
  Starting: 'agents are being started or replaced',
  Unmanaged: 'spec.managementState is Unmanaged: nothing is changed, only watched',
  Removing: 'what was registered is being taken away from the nodes',
  Removed: 'nothing of EdgeBuild is left on the nodes',
  NotRemoved: 'some nodes could not be reached to take away what was registered: status.problems names them',
  AgentImageUnknown:
    'the operator was not told which image its agent has: set spec.image, or AGENT_IMAGE of the operator',
  AgentRefused: 'the API server does not take the DaemonSet of the agents: the message says which field',
  NotReadable:
    'the operator may not read a kind that it needs, or the cluster does not serve it: nothing is changed',
  InvalidSpec: 'the object breaks a rule: correct the named field',
} as const;
export type EmulationReason = keyof typeof emulationReasons;

/** Why a node does not run programs of an architecture. */
export const problemReasons = {
  ModuleMissing: 'the node has no binfmt_misc: load the kernel module',
  MountReadOnly: 'binfmt_misc is mounted read-only on the node: remount it',
  MountNotHeld: 'the node does not keep a mount of binfmt_misc: entries would go with the agent',
  Disabled: 'somebody has switched binfmt_misc off: write 1 to its status',
  HandlerForeign: 'somebody else registered a handler that does not work, or is not to be used: remove it',
  HandlerShadowed: 'somebody else registered a newer handler that does not work: remove it',
  NativeArchitecture: 'the node runs the architecture itself: a handler would break every program',
  InterpreterDenied: 'the kernel does not take the entry, or does not run the emulator',
  SELinuxDenied: 'the emulator cannot be labelled so that ordinary containers may run it',
  EmulatorCrashed: 'the emulator was ended by a signal',
  ProbeFailed: 'a foreign program does not run, or does not say what it should',
  NoSpace: 'the emulator cannot be written to the node: free some space',
  NodeNotReady: 'the node is not Ready: nothing is known of it',
  AgentNotRunning: 'the agent does not run on the node: the message says why',
  NotRemoved: 'the node was not reached when what was registered was taken away',
} as const;
export type ProblemReason = keyof typeof problemReasons;
