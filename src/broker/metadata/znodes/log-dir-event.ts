import { decodeJson, encodeJson, integer } from './json.ts'

const PARENT = '/log_dir_event_notification'
/** LogDirEventNotificationZNode.LogDirFailureEvent: the only event there is. */
const LOG_DIR_FAILURE = 1

/** A sequential znode by which a broker says that one of its log directories failed; the controller asks it what is lost and deletes the znode. */
export const logDirEventZnode = {
  parent: PARENT,
  sequencePrefix: `${PARENT}/log_dir_event_`,
  encode: (brokerId: number): Buffer => encodeJson({ version: 1, broker: brokerId, event: LOG_DIR_FAILURE }),
  /** The broker's id. */
  decode: (path: string, data: Buffer): number => integer(path, decodeJson(path, data), 'broker'),
}
