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
