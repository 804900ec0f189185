-- How Argo CD sees an EdgeBuild. No library is used: Argo CD loads none for scripts of argocd-cm.
local waits = { Suspended = true, WaitingForTrigger = true }

local health = { status = "Progressing", message = "not looked at yet" }
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "the latest change was not looked at yet"
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local ready, reconciling, stalled = found.Ready, found.Reconciling, found.Stalled
if ready == nil then
  return health
end
health.message = ready.reason .. ": " .. ready.message
if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
  health.message = stalled.reason .. ": " .. stalled.message
elseif waits[ready.reason] then
  -- Somebody wants it so: nothing goes on before they say otherwise.
  health.status = "Suspended"
elseif reconciling ~= nil and reconciling.status == "True" then
  health.message = reconciling.reason .. ": " .. reconciling.message
elseif ready.status == "True" then
  health.status = "Healthy"
elseif ready.status == "False" then
  -- Nothing is under way, and it is not done: cancelled, for instance.
  health.status = "Degraded"
end
return health
