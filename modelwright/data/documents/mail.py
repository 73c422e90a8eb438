"""E-mail (.eml, .mbox): the headers a reader sees, then the body; plain text before HTML; attachments are counted, not opened."""

from __future__ import annotations

import mailbox
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from pathlib import Path

from modelwright.data.documents.decoding import read_bytes
from modelwright.data.documents.document import Document, Losses, Refused, Writer
from modelwright.data.documents.html import from_markup

_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def load_mail(path: Path, limit: int) -> Document:
    losses, writer = Losses(), Writer()
    raw = read_bytes(path, limit)
    if path.suffix.lower() == ".mbox" or raw.startswith(b"From "):
        box = mailbox.mbox(path, create=False)
        try:
            messages = [BytesParser(policy=policy.default).parsebytes(box.get_bytes(key)) for key in box.iterkeys()]
        finally:
            box.close()
    else:
        messages = [BytesParser(policy=policy.default).parsebytes(raw)]
    for number, message in enumerate(messages, 1):
        writer.separate()
        writer.part("message", _written(message, losses), str(message.get("Subject", "")), number)
    text = writer.text()
    if not text.strip():
        raise Refused("empty", "no message with text in it")
    losses.characters_out = len(text)
    title = writer.parts[0].label if len(messages) == 1 else path.stem
    return Document(text, "email", title or path.stem, writer.parts, losses=losses)


def _written(message: EmailMessage, losses: Losses) -> str:
    lines = [f"{name}: {message[name]}" for name in _HEADERS if message[name]]
    body = message.get_body(preferencelist=("plain", "html"))
    content = _body_text(body, losses) if body is not None else ""
    attachments = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    if attachments:
        losses.skipped += len(attachments)
        losses.note(f"attachments not opened: {', '.join(attachments[:5])}")
    written = "\n".join(lines) + ("\n\n" + content.strip() if content.strip() else "")
    return written.encode("utf-8", "replace").decode("utf-8")


def _body_text(body: MIMEPart, losses: Losses) -> str:
    try:
        content = str(body.get_content())
    except (LookupError, UnicodeError, ValueError) as error:  # an unknown charset, broken base64
        losses.skipped += 1
        losses.note(f"a body could not be decoded: {error}")
        return ""
    losses.characters_in += len(content)
    if body.get_content_type() != "text/html":
        return content
    try:
        page = from_markup(content, "")
    except Refused:
        return ""
    losses.tables += page.losses.tables
    losses.skipped += page.losses.skipped
    return page.text
