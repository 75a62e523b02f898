"""The shapes of SendGrid's and Meta's request bodies, as strict as their published files.

A value of another type is refused, never converted, and so is a key that the provider does not
know where it says so. Defaults stand for keys that are left out and are not checked.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

_NotEmpty = Annotated[str, Field(min_length=1)]
_Texts = dict[str, str]
_CASES = "(?i)"


class _Open(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Address(_Open):
    email: str
    name: str = ""


class _Person(_Closed):
    to: Annotated[list[_Address], Field(min_length=1, max_length=1000)]
    cc: Annotated[list[_Address], Field(max_length=1000)] = []
    bcc: Annotated[list[_Address], Field(max_length=1000)] = []
    sender: _Address | None = Field(default=None, alias="from")
    subject: _NotEmpty = ""
    headers: _Texts = {}
    substitutions: Annotated[_Texts, Field(max_length=10_000)] = {}
    dynamic_template_data: dict[str, Any] = {}
    custom_args: _Texts = {}
    send_at: int = 0


class _Part(_Open):
    type: _NotEmpty
    value: _NotEmpty


class _Attachment(_Open):
    content: _NotEmpty
    filename: str
    type: _NotEmpty = ""
    disposition: Literal["inline", "attachment"] = "attachment"
    content_id: str = ""


class _Asm(_Open):
    group_id: int
    groups_to_display: Annotated[list[int], Field(max_length=25)] = []


class _Setting(_Open):
    enable: bool = False
    enable_text: bool = False
    text: str = ""
    html: str = ""
    substitution_tag: str = ""


class _MailSettings(_Open):
    bypass_list_management: _Setting = _Setting()
    bypass_spam_management: _Setting = _Setting()
    bypass_bounce_management: _Setting = _Setting()
    bypass_unsubscribe_management: _Setting = _Setting()
    footer: _Setting = _Setting()
    sandbox_mode: _Setting = _Setting()


class _TrackingSettings(_Open):
    click_tracking: _Setting = _Setting()
    open_tracking: _Setting = _Setting()
    subscription_tracking: _Setting = _Setting()
    ganalytics: _Setting = _Setting()


class Mail(_Closed):
    """The body of a `mail/send`. SendGrid's own templates are not played: content is required."""

    personalizations: Annotated[list[_Person], Field(min_length=1, max_length=1000)]
    sender: _Address = Field(alias="from")
    reply_to: _Address | None = None
    reply_to_list: Annotated[list[_Address], Field(max_length=1000)] = []
    subject: _NotEmpty = ""
    content: Annotated[list[_Part], Field(min_length=1)]
    attachments: list[_Attachment] = []
    template_id: str = ""
    headers: _Texts = {}
    categories: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=10)] = []
    custom_args: _Texts = {}
    send_at: int = 0
    batch_id: str = ""
    asm: _Asm | None = None
    ip_pool_name: Annotated[str, Field(min_length=2, max_length=64)] = ""
    mail_settings: _MailSettings = _MailSettings()
    tracking_settings: _TrackingSettings = _TrackingSettings()


class _Text(_Closed):
    body: Annotated[str, Field(min_length=1, max_length=4096)]
    preview_url: bool = False


class _Parameter(_Open):
    type: Literal["text", "payload", "currency", "date_time", "image", "video", "document",
                  "action", "coupon_code", "limited_time_offer", "location", "product",
                  "order_status"]  # fmt: skip
    text: Annotated[str, Field(max_length=32_768)] = ""
    payload: str = ""
    parameter_name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")] = ""

    @model_validator(mode="after")
    def _has_its_value(self) -> Self:
        if self.type in {"text", "payload"} and self.type not in self.model_fields_set:
            raise ValueError(f"{self.type} is required")
        return self


class _Component(_Open):
    type: Annotated[str, Field(pattern=rf"{_CASES}^(header|body|button|footer|carousel)$")]
    sub_type: Annotated[
        str, Field(pattern=rf"{_CASES}^(quick_reply|url|catalog|flow|copy_code|mpm)$")
    ] = ""
    index: Annotated[str, Field(pattern="^[0-9]$")] | Annotated[int, Field(ge=0, le=9)] = 0
    parameters: list[_Parameter] = []

    @model_validator(mode="after")
    def _says_which_button(self) -> Self:
        if self.type.lower() == "button" and not {"sub_type", "index"} <= self.model_fields_set:
            raise ValueError("a button needs sub_type and index")
        return self


class _Language(_Open):
    code: str
    policy: Literal["deterministic"] = "deterministic"


class _Template(_Open):
    name: str
    language: _Language
    components: list[_Component] = []


class _Context(_Open):
    message_id: str


class Message(_Closed):
    """The body of a message to Meta: free text or an approved template."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual", "group"] = "individual"
    to: str
    type: Literal["text", "template"] = "text"
    context: _Context | None = None
    biz_opaque_callback_data: Annotated[str, Field(max_length=512)] = ""
    text: _Text | None = None
    template: _Template | None = None


def faults(shape: type[BaseModel], body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each thing that is not of the shape, as (place with dots, what is wrong)."""
    try:
        shape.model_validate(body)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            yield ".".join(map(str, one["loc"])), one["msg"]
