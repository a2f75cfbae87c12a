/** A broker stops by itself before Kubernetes ends it: its leaders are handed over, its logs closed with the clean mark. */
export const GRACE_S = 60
export const stopWithinMs = (graceSeconds = GRACE_S): number => (graceSeconds - 10) * 1000

/** Where the volumes are mounted; the log directory lies below, because a file system has a lost+found at its top. */
export const DATA_MOUNT = '/var/lib/sofakafka'
export const DATA_DIRECTORY = `${DATA_MOUNT}/data`
export const BROKER_CONFIG_MOUNT = '/etc/sofakafka/broker'
export const ZOOKEEPER_CONFIG_MOUNT = '/etc/sofakafka/zookeeper'
/** One file per user of the first start, its content is the password. */
export const CREDENTIALS_MOUNT = '/etc/sofakafka/credentials'
/** A properties file with the password that the broker logs in with at other brokers. */
export const LOGIN_MOUNT = '/etc/sofakafka/login'
export const LOGIN_FILE = 'login.properties'
/** A PEM file with key and certificates per listener with TLS, LISTENER.pem, and the authorities of client certificates. */
export const CERTIFICATES_MOUNT = '/etc/sofakafka/certificates'
export const CLIENTS_CA_FILE = 'clients-ca.crt'
/** The authorities by which brokers know one another. */
export const CLUSTER_CA_FILE = 'cluster-ca.crt'
/** A properties file with what the brokers are called outside. */
export const ADDRESSES_MOUNT = '/etc/sofakafka/addresses'
export const ADDRESSES_FILE = 'addresses.properties'
