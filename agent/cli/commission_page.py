"""The report as a page to print: its map goes in; one HTML file that needs nothing else, in Chinese and English, comes out."""

import html
from datetime import UTC, datetime
from typing import Any

from agent.wire.sentence import Sentence

STYLE = """
@page { size: A4; margin: 14mm } * { box-sizing: border-box }
body { font: 10pt/1.4 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", system-ui, sans-serif; color: #111; margin: 2em auto;
 max-width: 52em; padding: 0 1em }
@media print { body { margin: 0; max-width: none; padding: 0 } }
h1 { font-size: 16pt; margin: 0 0 .2em } h2 { font-size: 11pt; margin: 1.2em 0 .3em; border-bottom: 1px solid #999; break-after: avoid }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .15em .5em .15em 0 }
tr { break-inside: avoid } .r { width: 4.5em; font-weight: 600; white-space: nowrap } .en { color: #444 } .do { font-style: italic }
.pass { color: #14602b } .fail { color: #a31212 } .warn { color: #8a5a00 } .skip { color: #666 }
.verdict { border: 2px solid; padding: .4em .8em; display: inline-block; font-size: 13pt; font-weight: 700; margin: .5em 0 }
.small { font-size: 8pt; color: #555; word-break: break-all } .sign td { height: 3em; border-bottom: 1px solid #999 }
"""

RESULTS = {"pass": "通过 PASS", "warn": "警告 WARN", "fail": "失败 FAIL", "skip": "跳过 SKIP"}
VERDICTS = {"passed": ("pass", "验收通过 · passed"), "failed": ("fail", "验收未通过 · failed"), "partial": ("warn", "部分验收 · partial")}
UNATTENDED = ("操作 · answers", "无人在场，答案来自文件或脚本 · nobody was there: a file or a script has answered")


def page(report: dict[str, Any], sha256: str, unsigned: Sentence | None) -> str:
    """The whole page. Every text of the report is escaped: names come from a config, reasons from a keyboard."""
    unit = report["unit"]
    style, verdict = VERDICTS[report["result"]]
    title = f"{unit['id']} 安装验收 · commissioning"
    parts = [
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{_safe(title)}</title><style>{STYLE}</style></head><body>',
        f"<h1>{_safe(title)}</h1>",
        f'<p class="verdict {style}">{verdict}</p>',
        _facts(report),
        *(_step(number, step) for number, step in enumerate(report["steps"], 1)),
        _end(sha256, unsigned),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _safe(value: object) -> str:
    return html.escape(str(value))


def _facts(report: dict[str, Any]) -> str:
    unit, utc_ms = report["unit"], report["time"]
    told = "时间未知 · time not known" if utc_ms is None else datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    rows = [
        ("单元 · unit", " ".join(str(part) for part in (unit["id"], unit["name"]) if part)),
        ("类型 · kind", unit["kind"]),
        ("时间 · time", told),
        ("程序 · version", report["version"]),
        *([] if report["attended"] else [UNATTENDED]),
        *((f"硬件 · {name}", identity) for name, identity in report["hardware"].items() if identity),
    ]
    return "<table>" + "".join(f"<tr><th>{_safe(name)}</th><td>{_safe(value)}</td></tr>" for name, value in rows) + "</table>"


def _step(number: int, step: dict[str, Any]) -> str:
    skipped = f'<p class="skip">{_safe(step["skipped"])}</p>' if step.get("skipped") else ""
    rows = "".join(_line(line) for line in step["lines"])
    return f"<h2>{number}. {_safe(step['title']['zh'])} · {_safe(step['title']['en'])}</h2>{skipped}<table>{rows}</table>"


def _line(line: dict[str, Any]) -> str:
    what, do = line["what"], line.get("do")
    cell = f'{_safe(what["zh"])}<br><span class="en">{_safe(what["en"])}</span>'
    if do:
        cell += f'<br><span class="do">→ {_safe(do["zh"])}<br>→ <span class="en">{_safe(do["en"])}</span></span>'
    result = line["result"]
    return f'<tr><td class="r {result}">{RESULTS[result]}</td><td>{cell}</td></tr>'


def _end(sha256: str, unsigned: Sentence | None) -> str:
    signed = "签名见 .json.jws · the signature lies beside it, in .json.jws"
    if unsigned is not None:
        signed = f"未签名：{_safe(unsigned.zh)} · not signed: {_safe(unsigned.en)}"
    places = "<td>安装人员 · installed by</td><td></td><td>验收人员 · accepted by</td><td></td>"
    return f'<table class="sign"><tr>{places}</tr></table><p class="small">SHA-256 {sha256}<br>{signed}</p>'
