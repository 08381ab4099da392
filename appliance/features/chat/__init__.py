"""Conversations: people talk, assistants answer, and nothing that was said is lost."""

from appliance.features.chat.analytics import AnalyticsService
from appliance.features.chat.escalations import EscalationService
from appliance.features.chat.exporting import ExportService
from appliance.features.chat.history import Said
from appliance.features.chat.impromptu import Impromptu, ImpromptuService
from appliance.features.chat.memories import MemoryService
from appliance.features.chat.saved_prompts import PromptService
from appliance.features.chat.service import ConversationService
from appliance.features.chat.turns import ChatService
from appliance.features.chat.usage import UsageService

__all__ = [
    "AnalyticsService",
    "ChatService",
    "ConversationService",
    "EscalationService",
    "ExportService",
    "Impromptu",
    "ImpromptuService",
    "MemoryService",
    "PromptService",
    "Said",
    "UsageService",
]
