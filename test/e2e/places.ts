/** What an end-to-end file may need of the place where it runs; what it says is what a user does not get where it is missing. */
export const FEATURES = {
  clusters: 'the operator in a pod, and Clusters, Topics, Users and Acls that kubectl applies',
  charts: 'the Helm charts: the operator with the rights that they give it, and no others',
  election: 'two operators of which one leads',
  programs: 'images of others, such as Apache ZooKeeper\u2019s',
  image: 'the image as it is built: its user, its read-only root file system, no shell',
  restricted: 'namespaces that take restricted pods only',
  dns: 'names of pods and services for every program',
  services: 'Services that the system itself forwards: NodePort, and readiness that decides who gets connections',
  isolation: 'pods with a network, a file system and limits of memory and CPU of their own',
  growth: 'a storage class whose volumes grow',
  nodes: 'several nodes in zones: drain, eviction by PodDisruptionBudgets, loss of a node',
} as const
export type Feature = keyof typeof FEATURES

/** Where end-to-end files run, and what is there. */
export const PLACES = {
  'local mode': ['clusters'],
  'real control plane': ['clusters', 'charts', 'election'],
  'real nodes': Object.keys(FEATURES) as Feature[],
} satisfies Record<string, Feature[]>
export type PlaceName = keyof typeof PLACES

/** What each end-to-end story needs. */
export const STORIES = {
  quickstart: ['clusters'],
  change: ['clusters'],
  renewal: ['clusters', 'isolation'],
  install: ['clusters', 'charts', 'election'],
  image: ['image'],
  trouble: ['clusters', 'nodes', 'growth', 'election'],
  outside: ['clusters', 'services', 'isolation'],
  forward: ['clusters', 'isolation'],
  ensemble: ['clusters', 'programs', 'nodes'],
} satisfies Record<string, Feature[]>
export type StoryName = keyof typeof STORIES

/** What the place lacks for the story. */
export const missing = (place: PlaceName, story: StoryName): Feature[] => {
  const has: readonly Feature[] = PLACES[place]
  return STORIES[story].filter((feature) => !has.includes(feature))
}
