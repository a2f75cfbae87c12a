/** What the programs of main take, for people; the operator's is with its arguments. */

export const PROGRAMS_USAGE = `sofakafka PROGRAM [ARGUMENTS]
  local      [-f FILE]... [--data-dir DIR] [--port N] [--shared-address] [-o json] [--no-color]
             a whole cluster on this machine, from custom resources (default: examples/quickstart.yaml)
  broker     SERVER.PROPERTIES [--override KEY=VALUE]...
  zookeeper  ZOO.CFG
  operator   [--kubeconfig PATH] [--image IMAGE] [--advertise pod-dns|pod-ip] [--namespace A,B] ...
  version
  help       [PROGRAM or COMMAND]
Logs of programs are JSON lines on stdout; LOG_LEVEL is trace, debug, info (default), warn, error or silent.`

export const LOCAL_USAGE = `sofakafka local [-f FILE]... [--data-dir DIR] [--port N] [--shared-address] [-o json] [--no-color]
  Runs a whole cluster on this machine: Kubernetes' API, the operator, ZooKeeper and brokers. Ctrl-C stops it and keeps the data.
  -f, --file FILE     custom resources to apply; may be given more than once (default: examples/quickstart.yaml)
  --data-dir DIR      where everything is kept (default: .sofakafka)
  --port N            of the API server (default: 6443, or the next free one)
  --shared-address    all pods on 127.0.0.1, with ports of their own
  -o, --output json   the result as one object
  --no-color          as NO_COLOR in the environment does`

export const BROKER_USAGE = `sofakafka broker SERVER.PROPERTIES [--override KEY=VALUE]...
  Runs a broker from Kafka's own file. SIGTERM stops it: its leaders are handed over first.
  --override KEY=VALUE   wins over the file; may be given more than once
  --version              shows the version and does nothing
  A key without effect here, or that nobody knows, is named by a warning at the start; one that cannot be honoured is refused in words.`

export const ZOOKEEPER_USAGE = `sofakafka zookeeper ZOO.CFG
  Runs one ZooKeeper server of its own from ZooKeeper's file: dataDir, clientPort, clientPortAddress, tickTime, ...
  --version   shows the version and does nothing`
