"""Every module with tables, imported so that the metadata is whole: for migrations and the test that compares."""

from appliance.engines import sql_queue
from appliance.features.assistants import tables as assistants
from appliance.features.audit import tables as audit
from appliance.features.chat import tables as chat
from appliance.features.files import tables as files
from appliance.features.identity import tables as identity
from appliance.features.knowledge import tables as knowledge
from appliance.features.model_registry import tables as model_registry
from appliance.features.operations import tables as operations
from appliance.features.runs import tables as runs

ALL_TABLES = (assistants, audit, chat, files, identity, knowledge, model_registry, operations, runs, sql_queue)
