"""Making the providers that the settings name."""

from services.notifications.gateways.email import Dkim, Inbox, Mail, Patience
from services.notifications.gateways.provider import Listening, Reporting
from services.notifications.gateways.settings import Channels, GatewayAccount, SmtpServer, TwilioAccount
from services.notifications.gateways.sms import SmsGateway, Twilio
from shared.settings import Settings

_NO_CALLS = Patience(command=1, answer=1)


def open_mail(entry: SmtpServer, settings: Settings, patience: Patience) -> Mail:
    """A mail server; the inbox that can be asked is the same for all of them."""
    key = entry.dkim
    return Mail(
        entry.name,
        entry.url,
        patience,
        inbox=Inbox(settings.stride_mailbox) if settings.stride_mailbox else None,
        dkim=Dkim(key.domain, key.selector, key.key) if key else None,
        authorities=entry.authorities,
        reports_secret=entry.reports_secret,
    )


def open_sms(entry: GatewayAccount | TwilioAccount, settings: Settings, patience: Patience) -> SmsGateway | Twilio:
    """An SMS gateway, which reports to `/receipts/<its name>`."""
    reports = f"{settings.stride_public_url.rstrip('/')}/receipts/{entry.name}"
    if isinstance(entry, TwilioAccount):
        return Twilio(
            entry.name, entry.url, entry.account, entry.token,
            sender=entry.sender, reports_url=reports, seconds=patience.answer,
        )  # fmt: skip
    return SmsGateway(
        entry.name, entry.url, entry.token,
        sender=entry.sender, reports_url=reports, reports_secret=entry.reports_secret, seconds=patience.answer,
    )  # fmt: skip


def listening(channels: Channels, settings: Settings) -> list[Listening]:
    """The providers that hand in text messages, for the HTTP edge."""
    return [open_sms(entry, settings, _NO_CALLS) for entry in channels.sms]


def reporting(channels: Channels, settings: Settings) -> list[Reporting]:
    """The providers that may report, for the HTTP edge: it only reads what they say."""
    mail: list[Reporting] = [open_mail(entry, settings, _NO_CALLS) for entry in channels.email]
    return [*mail, *(open_sms(entry, settings, _NO_CALLS) for entry in channels.sms)]
