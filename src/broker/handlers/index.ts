import { produce } from '../../protocol/api/00-produce.ts'
import { fetch } from '../../protocol/api/01-fetch.ts'
import { listOffsets } from '../../protocol/api/02-list-offsets.ts'
import { metadata } from '../../protocol/api/03-metadata.ts'
import { saslHandshake } from '../../protocol/api/17-sasl-handshake.ts'
import { apiVersions } from '../../protocol/api/18-api-versions.ts'
import { deleteRecords } from '../../protocol/api/21-delete-records.ts'
import { offsetForLeaderEpoch } from '../../protocol/api/23-offset-for-leader-epoch.ts'
import { saslAuthenticate } from '../../protocol/api/36-sasl-authenticate.ts'
import { fetchFrame } from '../fetch-frame.ts'
import { serve, type Served } from '../handler.ts'
import { handleProduce, refuseProduce } from './00-produce.ts'
import { handleFetch, refuseFetch } from './01-fetch.ts'
import { handleListOffsets, refuseListOffsets } from './02-list-offsets.ts'
import { handleMetadata, refuseMetadata } from './03-metadata.ts'
import { handleSaslHandshake, refuseSaslHandshake } from './17-sasl-handshake.ts'
import { handleApiVersions, refuseApiVersions } from './18-api-versions.ts'
import { handleDeleteRecords, refuseDeleteRecords } from './21-delete-records.ts'
import { handleOffsetForLeaderEpoch, refuseOffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { handleSaslAuthenticate, refuseSaslAuthenticate } from './36-sasl-authenticate.ts'

/** What this broker speaks, by ascending key. ApiVersions is this table and nothing else: to serve an API, add a line. */
export const served: Served[] = []
served.push(
  serve(produce, handleProduce, refuseProduce),
  serve(fetch, handleFetch, refuseFetch, fetchFrame),
  serve(listOffsets, handleListOffsets, refuseListOffsets),
  serve(metadata, handleMetadata, refuseMetadata),
  serve(saslHandshake, handleSaslHandshake, refuseSaslHandshake),
  serve(apiVersions, handleApiVersions(served), refuseApiVersions),
  serve(deleteRecords, handleDeleteRecords, refuseDeleteRecords),
  serve(offsetForLeaderEpoch, handleOffsetForLeaderEpoch, refuseOffsetForLeaderEpoch),
  serve(saslAuthenticate, handleSaslAuthenticate, refuseSaslAuthenticate),
)
