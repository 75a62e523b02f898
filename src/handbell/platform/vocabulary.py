"""The words that every domain shares: channels, message classes, purposes, lanes."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class MessageClass(StrEnum):
    """What the law and our rules bind: hours, caps and consent differ per class."""

    EMERGENCY = "emergency"
    INBOUND_REPLY = "inbound_reply"
    CARE = "care"
    BILLING_ADMIN = "billing_admin"
    RESEARCH = "research"
    MARKETING = "marketing"


class Purpose(StrEnum):
    """Why a message is sent. The `reply_*` purposes answer a patient's own message."""

    APPT_CONFIRM = "appt_confirm"
    APPT_REMINDER = "appt_reminder"
    NO_SHOW = "no_show"
    RX_REFILL = "rx_refill"
    LAB_READY = "lab_ready"
    CAMPAIGN_EDUCATION = "campaign_education"
    URGENT = "urgent"
    PAYMENT_REMINDER = "payment_reminder"
    INSURANCE_UPDATE = "insurance_update"
    REPLY_CONFIRMED = "reply_confirmed"
    REPLY_RESCHEDULE = "reply_reschedule"
    REPLY_OPTOUT = "reply_optout"
    REPLY_HELP = "reply_help"
    REPLY_OPTIONS = "reply_options"
    REPLY_OPTIN = "reply_optin"
    REPLY_CRISIS = "reply_crisis"
    REPLY_WHICH = "reply_which"
    REPLY_NOTED = "reply_noted"
    REPLY_MARKETING_OPTOUT = "reply_marketing_optout"
    REPLY_STAFF = "reply_staff"
    """A person's answer, in clear."""
    REPLY_SECURE = "reply_secure"
    """A person's answer, to be read behind a link."""
    REPLY_CLOSED = "reply_closed"
    STAFF_MESSAGE = "staff_message"
    """What a person writes of their own accord, in clear."""
    STAFF_SECURE = "staff_secure"
    """The same, to be read behind a link."""


class Lane(StrEnum):
    """A queue of its own with its own capacity, in order of precedence. `jobs` carries work
    that is not a message: planning reminders, applying stored webhooks."""

    URGENT = "urgent"
    REPLIES = "replies"
    CARE = "care"
    BILLING = "billing"
    MARKETING = "marketing"
    JOBS = "jobs"


CLASS_OF_PURPOSE: Final = {
    Purpose.APPT_CONFIRM: MessageClass.CARE,
    Purpose.APPT_REMINDER: MessageClass.CARE,
    Purpose.NO_SHOW: MessageClass.CARE,
    Purpose.RX_REFILL: MessageClass.CARE,
    Purpose.LAB_READY: MessageClass.CARE,
    Purpose.CAMPAIGN_EDUCATION: MessageClass.MARKETING,
    Purpose.URGENT: MessageClass.EMERGENCY,
    Purpose.PAYMENT_REMINDER: MessageClass.BILLING_ADMIN,
    Purpose.INSURANCE_UPDATE: MessageClass.BILLING_ADMIN,
    Purpose.REPLY_CONFIRMED: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_RESCHEDULE: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_OPTOUT: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_HELP: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_OPTIONS: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_OPTIN: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_CRISIS: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_WHICH: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_NOTED: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_MARKETING_OPTOUT: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_STAFF: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_SECURE: MessageClass.INBOUND_REPLY,
    Purpose.REPLY_CLOSED: MessageClass.INBOUND_REPLY,
    Purpose.STAFF_MESSAGE: MessageClass.CARE,
    Purpose.STAFF_SECURE: MessageClass.CARE,
}

ANSWERED_AFTER_STOP: Final = frozenset(
    {Purpose.REPLY_OPTOUT, Purpose.REPLY_HELP, Purpose.REPLY_CRISIS}
)
"""Answers that go out even to an address that was stopped (regulation.md, 0.1, gate 3)."""

LANE_OF_CLASS: Final = {
    MessageClass.EMERGENCY: Lane.URGENT,
    MessageClass.INBOUND_REPLY: Lane.REPLIES,
    MessageClass.CARE: Lane.CARE,
    MessageClass.BILLING_ADMIN: Lane.BILLING,
    MessageClass.RESEARCH: Lane.MARKETING,
    MessageClass.MARKETING: Lane.MARKETING,
}
LANE_OF_PURPOSE: Final = {
    purpose: LANE_OF_CLASS[message_class] for purpose, message_class in CLASS_OF_PURPOSE.items()
}
