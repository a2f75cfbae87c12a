import { produce } from '../../protocol/api/00-produce.ts'
import { fetch } from '../../protocol/api/01-fetch.ts'
import { listOffsets } from '../../protocol/api/02-list-offsets.ts'
import { metadata } from '../../protocol/api/03-metadata.ts'
import { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import { controlledShutdown } from '../../protocol/api/07-controlled-shutdown.ts'
import { offsetCommit } from '../../protocol/api/08-offset-commit.ts'
import { offsetFetch } from '../../protocol/api/09-offset-fetch.ts'
import { findCoordinator } from '../../protocol/api/10-find-coordinator.ts'
import { joinGroup } from '../../protocol/api/11-join-group.ts'
import { heartbeat } from '../../protocol/api/12-heartbeat.ts'
import { leaveGroup } from '../../protocol/api/13-leave-group.ts'
import { syncGroup } from '../../protocol/api/14-sync-group.ts'
import { describeGroups } from '../../protocol/api/15-describe-groups.ts'
import { listGroups } from '../../protocol/api/16-list-groups.ts'
import { saslHandshake } from '../../protocol/api/17-sasl-handshake.ts'
import { apiVersions } from '../../protocol/api/18-api-versions.ts'
import { createTopics } from '../../protocol/api/19-create-topics.ts'
import { deleteTopics } from '../../protocol/api/20-delete-topics.ts'
import { deleteRecords } from '../../protocol/api/21-delete-records.ts'
import { initProducerId } from '../../protocol/api/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../protocol/api/23-offset-for-leader-epoch.ts'
import { writeTxnMarkers } from '../../protocol/api/27-write-txn-markers.ts'
import { describeAcls } from '../../protocol/api/29-describe-acls.ts'
import { createAcls } from '../../protocol/api/30-create-acls.ts'
import { deleteAcls } from '../../protocol/api/31-delete-acls.ts'
import { describeConfigs } from '../../protocol/api/32-describe-configs.ts'
import { alterConfigs } from '../../protocol/api/33-alter-configs.ts'
import { describeLogDirs } from '../../protocol/api/35-describe-log-dirs.ts'
import { saslAuthenticate } from '../../protocol/api/36-sasl-authenticate.ts'
import { createPartitions } from '../../protocol/api/37-create-partitions.ts'
import { deleteGroups } from '../../protocol/api/42-delete-groups.ts'
import { electLeaders } from '../../protocol/api/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../protocol/api/44-incremental-alter-configs.ts'
import { alterPartitionReassignments } from '../../protocol/api/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../protocol/api/46-list-partition-reassignments.ts'
import { offsetDelete } from '../../protocol/api/47-offset-delete.ts'
import { describeClientQuotas } from '../../protocol/api/48-describe-client-quotas.ts'
import { describeUserScramCredentials } from '../../protocol/api/50-describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from '../../protocol/api/51-alter-user-scram-credentials.ts'
import { fetchFrame } from '../fetch/frame.ts'
import { serve, type Served } from '../handler.ts'
import { handleProduce, refuseProduce } from './00-produce.ts'
import { handleFetch, refuseFetch } from './01-fetch.ts'
import { handleListOffsets, refuseListOffsets } from './02-list-offsets.ts'
import { handleMetadata, refuseMetadata } from './03-metadata.ts'
import { handleLeaderAndIsr, refuseLeaderAndIsr } from './04-leader-and-isr.ts'
import { handleStopReplica, refuseStopReplica } from './05-stop-replica.ts'
import { handleUpdateMetadata, refuseUpdateMetadata } from './06-update-metadata.ts'
import { handleControlledShutdown, refuseControlledShutdown } from './07-controlled-shutdown.ts'
import { handleOffsetCommit, refuseOffsetCommit } from './08-offset-commit.ts'
import { handleOffsetFetch, refuseOffsetFetch } from './09-offset-fetch.ts'
import { handleFindCoordinator, refuseFindCoordinator } from './10-find-coordinator.ts'
import { handleJoinGroup, refuseJoinGroup } from './11-join-group.ts'
import { handleHeartbeat, refuseHeartbeat } from './12-heartbeat.ts'
import { handleLeaveGroup, refuseLeaveGroup } from './13-leave-group.ts'
import { handleSyncGroup, refuseSyncGroup } from './14-sync-group.ts'
import { handleDescribeGroups, refuseDescribeGroups } from './15-describe-groups.ts'
import { handleListGroups, refuseListGroups } from './16-list-groups.ts'
import { handleSaslHandshake, refuseSaslHandshake } from './17-sasl-handshake.ts'
import { handleApiVersions, refuseApiVersions } from './18-api-versions.ts'
import { handleCreateTopics, refuseCreateTopics } from './19-create-topics.ts'
import { handleDeleteTopics, refuseDeleteTopics } from './20-delete-topics.ts'
import { handleDeleteRecords, refuseDeleteRecords } from './21-delete-records.ts'
import { handleInitProducerId, refuseInitProducerId } from './22-init-producer-id.ts'
import { handleOffsetForLeaderEpoch, refuseOffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { handleWriteTxnMarkers, refuseWriteTxnMarkers } from './27-write-txn-markers.ts'
import { handleDescribeAcls, refuseDescribeAcls } from './29-describe-acls.ts'
import { handleCreateAcls, refuseCreateAcls } from './30-create-acls.ts'
import { handleDeleteAcls, refuseDeleteAcls } from './31-delete-acls.ts'
import { handleDescribeConfigs, refuseDescribeConfigs } from './32-describe-configs.ts'
import { handleAlterConfigs, refuseAlterConfigs } from './33-alter-configs.ts'
import { handleDescribeLogDirs, refuseDescribeLogDirs } from './35-describe-log-dirs.ts'
import { handleSaslAuthenticate, refuseSaslAuthenticate } from './36-sasl-authenticate.ts'
import { handleCreatePartitions, refuseCreatePartitions } from './37-create-partitions.ts'
import { handleDeleteGroups, refuseDeleteGroups } from './42-delete-groups.ts'
import { handleElectLeaders, refuseElectLeaders } from './43-elect-leaders.ts'
import { handleIncrementalAlterConfigs, refuseIncrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { handleAlterPartitionReassignments, refuseAlterPartitionReassignments } from './45-alter-partition-reassignments.ts'
import { handleListPartitionReassignments, refuseListPartitionReassignments } from './46-list-partition-reassignments.ts'
import { handleOffsetDelete, refuseOffsetDelete } from './47-offset-delete.ts'
import { handleDescribeClientQuotas, refuseDescribeClientQuotas } from './48-describe-client-quotas.ts'
import { handleDescribeUserScramCredentials, refuseDescribeUserScramCredentials } from './50-describe-user-scram-credentials.ts'
import { handleAlterUserScramCredentials, refuseAlterUserScramCredentials } from './51-alter-user-scram-credentials.ts'

/** What this broker speaks, by ascending key. ApiVersions is this table and nothing else: to serve an API, add a line. */
export const served: Served[] = []
served.push(
  serve(produce, handleProduce, refuseProduce),
  serve(fetch, handleFetch, refuseFetch, fetchFrame),
  serve(listOffsets, handleListOffsets, refuseListOffsets),
  serve(metadata, handleMetadata, refuseMetadata),
  serve(leaderAndIsr, handleLeaderAndIsr, refuseLeaderAndIsr),
  serve(stopReplica, handleStopReplica, refuseStopReplica),
  serve(updateMetadata, handleUpdateMetadata, refuseUpdateMetadata),
  serve(controlledShutdown, handleControlledShutdown, refuseControlledShutdown),
  serve(offsetCommit, handleOffsetCommit, refuseOffsetCommit),
  serve(offsetFetch, handleOffsetFetch, refuseOffsetFetch),
  serve(findCoordinator, handleFindCoordinator, refuseFindCoordinator),
  serve(joinGroup, handleJoinGroup, refuseJoinGroup),
  serve(heartbeat, handleHeartbeat, refuseHeartbeat),
  serve(leaveGroup, handleLeaveGroup, refuseLeaveGroup),
  serve(syncGroup, handleSyncGroup, refuseSyncGroup),
  serve(describeGroups, handleDescribeGroups, refuseDescribeGroups),
  serve(listGroups, handleListGroups, refuseListGroups),
  serve(saslHandshake, handleSaslHandshake, refuseSaslHandshake),
  serve(apiVersions, handleApiVersions(served), refuseApiVersions),
  serve(createTopics, handleCreateTopics, refuseCreateTopics),
  serve(deleteTopics, handleDeleteTopics, refuseDeleteTopics),
  serve(deleteRecords, handleDeleteRecords, refuseDeleteRecords),
  serve(initProducerId, handleInitProducerId, refuseInitProducerId),
  serve(offsetForLeaderEpoch, handleOffsetForLeaderEpoch, refuseOffsetForLeaderEpoch),
  serve(writeTxnMarkers, handleWriteTxnMarkers, refuseWriteTxnMarkers),
  serve(describeAcls, handleDescribeAcls, refuseDescribeAcls),
  serve(createAcls, handleCreateAcls, refuseCreateAcls),
  serve(deleteAcls, handleDeleteAcls, refuseDeleteAcls),
  serve(describeConfigs, handleDescribeConfigs, refuseDescribeConfigs),
  serve(alterConfigs, handleAlterConfigs, refuseAlterConfigs),
  serve(describeLogDirs, handleDescribeLogDirs, refuseDescribeLogDirs),
  serve(saslAuthenticate, handleSaslAuthenticate, refuseSaslAuthenticate),
  serve(createPartitions, handleCreatePartitions, refuseCreatePartitions),
  serve(deleteGroups, handleDeleteGroups, refuseDeleteGroups),
  serve(electLeaders, handleElectLeaders, refuseElectLeaders),
  serve(incrementalAlterConfigs, handleIncrementalAlterConfigs, refuseIncrementalAlterConfigs),
  serve(alterPartitionReassignments, handleAlterPartitionReassignments, refuseAlterPartitionReassignments),
  serve(listPartitionReassignments, handleListPartitionReassignments, refuseListPartitionReassignments),
  serve(offsetDelete, handleOffsetDelete, refuseOffsetDelete),
  serve(describeClientQuotas, handleDescribeClientQuotas, refuseDescribeClientQuotas),
  serve(describeUserScramCredentials, handleDescribeUserScramCredentials, refuseDescribeUserScramCredentials),
  serve(alterUserScramCredentials, handleAlterUserScramCredentials, refuseAlterUserScramCredentials),
)
