#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_look.py COMPOSE-ALL CONFIG TEMPLATES PICTURES: how every mail looks, in a narrow and in a wide window, light and dark.

The pictures stay in PICTURES for people to look at; what a machine can see is checked here: nothing sticks out of the
window, every word stands out from its background, nothing is asked of a network, names stand left and points right."""

import glob
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import browser
import mails

ARGUMENTS, PICTURES = sys.argv[1:4], sys.argv[4]
LOOKS = ((360, False), (360, True), (1024, False))
# WCAG 2.1, 1.4.3: 4.5. A fixed colour reaches 4.33 at most against both white and #121212: 4 is asked of the one that warns,
# which is bold besides; and 3 of signs that are no words (1.4.11).
CONTRAST = {"text": 4.5, "alarm": 4.0, "sign": 3.0}

# Every piece of text with less contrast than wanted to what lies behind it, every one that is smaller than 12 px, and every date
# that goes on in the next line.
MEASURE = """(() => {
    const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
    const lum = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const dark = matchMedia('(prefers-color-scheme: dark)').matches
        && /dark/.test((document.querySelector('meta[name=color-scheme]') || {}).content);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c;
        }
        return dark ? [18, 18, 18] : [255, 255, 255];
    };
    const faint = [], small = [], broken = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n; (n = walk.nextNode());) {
        const text = n.data.trim(), e = n.parentElement;
        if (!text || !e.getClientRects().length) continue;
        for (const date of n.data.matchAll(/\\d\\d\\/\\d\\d\\/\\d{4}/g)) {
            const range = document.createRange();
            range.setStart(n, date.index);
            range.setEnd(n, date.index + date[0].length);
            if (range.getClientRects().length > 1) broken.push(text.slice(0, 40));
        }
        const back = behind(e), style = getComputedStyle(e), fore = rgb(style.color);
        let through = 1;
        for (let p = e; p; p = p.parentElement) through *= getComputedStyle(p).opacity;
        const [a, b] = [lum(fore.map((v, i) => back[i] + (v - back[i]) * through)), lum(back)].sort((x, y) => y - x);
        const kind = !/[\\p{L}\\d]/u.test(text) ? 'sign' : style.fontWeight >= 600 && fore[0] > 2 * fore[1] ? 'alarm' : 'text';
        if ((a + 0.05) / (b + 0.05) < LEAST[kind]) faint.push(text.slice(0, 40) + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
        if (parseFloat(getComputedStyle(e).fontSize) < 12) small.push(text.slice(0, 40));
    }
    const tables = [...document.querySelectorAll('table')].filter(t => t.querySelector('th'));
    const first = tables.flatMap(t => [...t.rows].map(r => r.cells[0]).filter(c => c && c.innerText.trim()));
    return {
        width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight,
        words: document.body.innerText.split(/\\s+/).length, faint, small, broken,
        centred: first.filter(c => !['left', '-webkit-left', 'start'].includes(getComputedStyle(c).textAlign))
            .map(c => c.innerText.slice(0, 40)),
    };
})()""".replace("LEAST", json.dumps(CONTRAST))


def pixels(png):
    """The size of a picture, and its bytes (filtered scan lines: enough to tell a blank one)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return struct.unpack(">II", png[16:24]), zlib.decompress(data)


class Look(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(PICTURES, exist_ok=True)
        for old in glob.glob(os.path.join(PICTURES, "*.png")):
            os.unlink(old)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        subprocess.run([*ARGUMENTS, folder.name], check=True)
        cls.pages = {}
        for path in sorted(glob.glob(os.path.join(folder.name, "*.eml"))):
            with open(path, "rb") as eml:
                page = mails.html_of(mails.read(eml.read(), path))
            name = os.path.basename(path)[:-4]
            cls.pages[name] = (page, os.path.join(folder.name, name + ".html"))
            with open(cls.pages[name][1], "w", encoding="utf-8") as file:
                file.write(page)
        cls.browser = browser.Browser(PROGRAM)
        cls.addClassCleanup(cls.browser.close)

    def test_no_address_of_a_network(self):
        for name, (page, _) in self.pages.items():
            with self.subTest(mail=name):
                self.assertNotRegex(page, r"(?i)<(img|link|script|iframe|object|embed|video|audio|base)\b|@import|url\(")
                for link in re.findall(r"(?i)(?:src|href|background|action)\s*=\s*[\"']?([^\"'\s>]*)", page):
                    self.assertRegex(link, r"^(mailto:|file:)")

    def test_looks(self):
        self.assertGreaterEqual(len(self.pages), 50)
        for width, dark in LOOKS:
            self.browser.size(width, dark=dark)
            for name, (_, path) in self.pages.items():
                with self.subTest(mail=name, width=width, dark=dark):
                    self.look(name, path, width, dark)

    def look(self, name, path, width, dark):
        asked = self.browser.open("file://" + path)
        self.assertEqual(asked, ["file://" + path])
        seen = self.browser.value(MEASURE)
        picture = self.browser.picture(width, seen["height"])
        with open(os.path.join(PICTURES, f"{name}.{width}{'.dark' if dark else ''}.png"), "wb") as file:
            file.write(picture)
        size, data = pixels(picture)
        self.assertEqual(size, (width, seen["height"]))
        self.assertGreater(len(set(data)), 32)
        self.assertGreater(seen["words"], 20)
        self.assertLessEqual(seen["width"], width)
        for wrong in ("faint", "small", "broken", "centred"):
            self.assertEqual(seen[wrong], [], wrong)


if __name__ == "__main__":
    PROGRAM = browser.find()
    if not PROGRAM:
        print("skipped: no Chromium is installed (package chromium; tests/lib/packages look)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
