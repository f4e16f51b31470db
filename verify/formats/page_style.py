"""The style sheet of the page that `--format html` writes.

Its colours contrast by WCAG 2.2 AA in light and in dark.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1b1f24; --muted: #57606a; --rule: #c4cbd3; --link: #0550ae;
  --good: #1a7f37; --bad: #c62828; --unsure: #8a5a00;
  --old: #5b5fc7; --new: #0f766e; --outage: #fbdcd8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --text: #e6edf3; --muted: #9aa4af; --rule: #3d4650; --link: #79b8ff;
    --good: #4cc26a; --bad: #ff7b72; --unsure: #e3b341;
    --old: #a5a8ff; --new: #5fd0c5; --outage: #4a1f1f;
  }
}
body {
  margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2rem; overflow-wrap: anywhere; }
a { color: var(--link); }
.jump { position: absolute; left: -100vw; }
.jump:focus { position: static; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.badge { border: 2px solid currentColor; border-radius: 0.25rem; padding: 0 0.4rem; }
.badge.ok { color: var(--good); }
.badge.fail { color: var(--bad); }
figure { margin: 0 0 1rem; }
figcaption { color: var(--muted); }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 40rem; height: auto; }
svg text { fill: var(--muted); font-size: 12px; unicode-bidi: isolate; }
svg text.moment { fill: var(--text); }
.rule { stroke: var(--rule); fill: none; }
.moment { stroke: var(--text); stroke-dasharray: 4 3; fill: none; }
text.moment { stroke: none; }
.outage { fill: var(--outage); }
.row.good rect { fill: var(--good); }
.row.bad rect { fill: var(--bad); }
.row.old rect { fill: var(--old); }
.row.new rect, .row.task rect { fill: var(--new); }
.line { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.line.p50 { stroke: var(--new); }
.line.p95 { stroke: var(--old); stroke-dasharray: 6 4; }
.line.max { stroke: var(--bad); stroke-dasharray: 1 4; }
.key.p50 { color: var(--new); }
.key.p95 { color: var(--old); }
.key.max { color: var(--bad); }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); }
th, td {
  border-bottom: 1px solid var(--rule); padding: 0.25rem 0.75rem 0.25rem 0;
  text-align: left; vertical-align: top;
  unicode-bidi: isolate; overflow-wrap: break-word; max-width: 32rem;
}
tr.ok td:nth-child(2) { color: var(--good); }
tr.fail td:nth-child(2) { color: var(--bad); font-weight: bold; }
tr.unknown td:nth-child(2) { color: var(--unsure); font-weight: bold; }
tr.skip td:nth-child(2) { color: var(--muted); }
summary { cursor: pointer; }
@media print { .jump { display: none; } }
"""
