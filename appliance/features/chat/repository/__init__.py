"""All SQL of the chat room."""

from appliance.features.chat.repository.conversations import ConversationRepository, KnownConversation
from appliance.features.chat.repository.finding import Hit, Search
from appliance.features.chat.repository.messages import Earlier, MessageRepository
from appliance.features.chat.repository.turns import TurnRepository

__all__ = [
    "ConversationRepository",
    "Earlier",
    "Hit",
    "KnownConversation",
    "MessageRepository",
    "Search",
    "TurnRepository",
]
