"""Small real files that tests read: PDF, Word, notebooks, made byte by byte so that nothing else is needed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def pdf(pages: Sequence[Sequence[str] | bytes], title: str = "A title") -> bytes:
    """A PDF with a page for each list of lines; a page given as bytes is one grey picture of 8 x 8 pixels, as a scan is."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    font = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for page in pages:
        if isinstance(page, bytes):
            data = zlib.compress(page)
            head = b"<< /Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
            picture = add(head + b" /Length %d >>\nstream\n" % len(data) + data + b"\nendstream")
            resources, drawn = b"<< /XObject << /I %d 0 R >> >>" % picture, b"q 500 0 0 700 0 0 cm /I Do Q"
        else:
            shown = b"".join(b"(" + line.encode("cp1252") + b") Tj T*\n" for line in page)
            resources, drawn = b"<< /Font << /F %d 0 R >> >>" % font, b"BT /F 11 Tf 14 TL 72 770 Td\n" + shown + b"ET"
        content = add(b"<< /Length %d >>\nstream\n" % len(drawn) + drawn + b"\nendstream")
        kids.append(add(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources %s /Contents %d 0 R >>" % (resources, content)))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    info = add(b"<< /Title (%s) >>" % title.encode())
    return _written(objects, info)


def _written(objects: Sequence[bytes], info: int) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, info, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


TESSERACT = """#!/bin/sh
cat > /dev/null
printf 'level\\tpage_num\\tblock_num\\tpar_num\\tline_num\\tword_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext\\n'
printf '1\\t1\\t0\\t0\\t0\\t0\\t0\\t0\\t600\\t800\\t-1\\t\\n'
printf '5\\t1\\t1\\t1\\t1\\t1\\t10\\t20\\t80\\t12\\t96.1\\tScanned\\n'
printf '5\\t1\\t1\\t1\\t1\\t2\\t95\\t20\\t50\\t12\\t91.0\\twords\\n'
printf '5\\t1\\t1\\t1\\t2\\t1\\t10\\t40\\t9\\t12\\t12.0\\t;;\\n'
printf '5\\t1\\t1\\t1\\t2\\t2\\t25\\t40\\t40\\t12\\t88.0\\there\\n'
"""
"""Stands in for tesseract where it is not installed: answers with a table in its own format."""
