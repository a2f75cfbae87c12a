-- For Argo CD: how a Cluster, Topic, User or Acl of SOFAKafka is.
local health = {status = 'Progressing', message = 'the operator has not looked at it yet'}
local annotations = obj.metadata.annotations
if annotations ~= nil and annotations['sofakafka.io/paused'] == 'true' then
  return {status = 'Suspended', message = 'paused by the annotation sofakafka.io/paused'}
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = 'the operator has not looked at the last change yet'
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == 'Stalled' and condition.status == 'True' then
    return {status = 'Degraded', message = condition.reason .. ': ' .. condition.message}
  end
  if condition.type == 'Ready' then
    health.message = condition.message
    if condition.status == 'True' then
      health.status = 'Healthy'
    end
  end
end
return health
