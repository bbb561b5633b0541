/** The look of every page: one column that widens, quiet colours, light and dark, print. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: #f7f7f5; --card: #ffffff; --text: #1f2420; --soft: #667069; --faint: #9aa39c; --edge: #e3e5e1; --code: #f1f2ef;
  --good: #2c8a5b; --bad: #c2413a; --warn: #b7791f; --busy: #3b7dd8;
  --c0: #1f7a8c; --c1: #d9822b; --c2: #7a5cc0; --c3: #5a9e4b; --c4: #c2527a; --c5: #7d8597;
  --ramp0: #0f7d6c; --ramp1: #e0c9b8; --tint: #f0f7f3; --veil: #ffffffcc;
  --kept: #1f7a8c; --dropped: #cfd5d1; --clean: #5a9e4b; --dirty: #d9822b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1b1f23; --text: #e4e7e4; --soft: #9aa4a0; --faint: #6c7672; --edge: #2b3136; --code: #22272c;
    --good: #4fb583; --bad: #ef7b73; --warn: #e0a84c; --busy: #74a8ef;
    --c0: #4fb3c6; --c1: #eea45c; --c2: #a891e8; --c3: #86c878; --c4: #e58aac; --c5: #a3aab8;
    --ramp0: #58dcc0; --ramp1: #574a45; --tint: #1d2a26; --veil: #1b1f23cc;
    --kept: #4fb3c6; --dropped: #454d53; --clean: #86c878; --dirty: #eea45c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1160px; margin: 0 auto; padding: 32px 20px 64px; }
a { color: var(--c0); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 44px 0 12px; font-weight: 620; display: flex; align-items: baseline; gap: 12px; flex-wrap: wrap; }
h2 small { font-weight: 400; color: var(--soft); font-size: 13px; }
h3 { font-size: 14px; margin: 18px 0 6px; font-weight: 600; }
p { margin: 6px 0; } .note { color: var(--soft); font-size: 13px; margin: 10px 0 0; }
.crumb { color: var(--soft); font-size: 13px; margin-bottom: 6px; overflow-wrap: anywhere; }
.title { display: flex; align-items: center; gap: 12px; flex-wrap: wrap; }
.status { font-size: 13px; font-weight: 600; padding: 2px 10px; border-radius: 99px; border: 1px solid currentColor; }
.status-done { color: var(--good); fill: var(--good); } .status-failed { color: var(--bad); fill: var(--bad); }
.status-interrupted, .status-lost { color: var(--warn); fill: var(--warn); } .status-running { color: var(--busy); fill: var(--busy); }
.status-reused, .status-pruned { color: var(--c2); fill: var(--c2); } .status-skipped, .status-waiting, .status-queued, .status-other { color: var(--soft); fill: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(186px, 1fr)); gap: 10px 20px; margin: 18px 0 0; }
.facts div { min-width: 0; } .facts dt { color: var(--soft); font-size: 12px; } .facts dd { margin: 0; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 14px 16px; margin: 0; min-width: 0; }
.grid-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 14px; }
.grid-cards .wide { grid-column: 1 / -1; }
.stack > * + * { margin-top: 14px; }
.lost-card { border-color: var(--warn); border-left-width: 4px; margin-top: 18px; } .lost-card b { color: var(--warn); }
.error { border-color: var(--bad); border-left-width: 4px; } .error b { color: var(--bad); } .error details { background: none; border: 0; padding: 0; } .error summary { font-weight: 400; padding: 0; overflow-wrap: anywhere; } .error p { overflow-wrap: anywhere; }
code, pre, .mono { font: 12.5px/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 0; background: var(--code); border-radius: 8px; padding: 12px 14px; overflow-x: auto; white-space: pre; tab-size: 2; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
details { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 0 16px; }
details + details { margin-top: 10px; }
summary { cursor: pointer; padding: 11px 0; font-weight: 550; } summary small { color: var(--soft); font-weight: 400; margin-left: 6px; }
details[open] { padding-bottom: 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; font-weight: 600; padding: 0 0 8px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 12.5px; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; padding-right: 18px; white-space: nowrap; }
td.number:last-child, th.number:last-child { padding-right: 0; }
td.best { font-weight: 650; color: var(--c0); }
td.path { overflow-wrap: anywhere; min-width: 180px; } .steps td.path { min-width: 0; width: 42%; }
.chart figcaption { display: flex; justify-content: space-between; gap: 4px 12px; flex-wrap: wrap; font-size: 13px; margin-bottom: 10px; }
.chart-title { font-weight: 600; } .legend { display: flex; gap: 2px 12px; flex-wrap: wrap; color: var(--soft); } .legend b { color: var(--text); font-weight: 600; }
.legend i, .tip i { display: inline-block; width: 9px; height: 9px; border-radius: 3px; margin-right: 5px; background: var(--c5); }
.legend i.mark { width: 2px; height: 12px; border-radius: 0; background: var(--text); vertical-align: -2px; }
.plot { position: relative; height: 190px; margin: 0 2px 20px 44px; touch-action: pan-y; }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.plot path { fill: none; stroke-width: 1.8; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.plot .grid path { stroke: var(--edge); stroke-width: 1; }
.plot path.raw { stroke-width: 1; opacity: .28; } .plot path.off { display: none; }
.plot path.dots { stroke-width: 6; stroke-linecap: round; }
.plot path.bars { stroke: none; }
.axis-y span, .axis-x span { position: absolute; font-size: 11px; color: var(--soft); line-height: 1; white-space: nowrap; }
.axis-y span { right: calc(100% + 8px); transform: translateY(-50%); } .axis-x span { top: calc(100% + 7px); transform: translateX(-50%); }
.axis-y, .axis-x { position: absolute; inset: 0; }
.plot path.ramp, .parallel path.ramp { stroke: var(--ramp0); stroke: color-mix(in oklab, var(--ramp1) var(--shade), var(--ramp0)); }
.plot path.line.ramp { stroke-width: 1.3; opacity: .8; } .plot path.line.ramp.best { stroke-width: 2.6; opacity: 1; }
.telling path.ramp { opacity: .15 !important; } .telling path.told { opacity: 1 !important; stroke-width: 2.8 !important; }
i.ramp { background: color-mix(in oklab, var(--ramp1) var(--shade), var(--ramp0)) !important; }
.legend i.gradient { width: 56px; background: linear-gradient(90deg, var(--ramp0), color-mix(in oklab, var(--ramp0), var(--ramp1)), var(--ramp1)); margin: 0 3px; }
.parallel { position: relative; height: 300px; margin: 34px 70px 18px 64px; min-width: calc(132px * (var(--axes) - 1)); touch-action: pan-x pan-y; }
.parallel svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.parallel path { fill: none; stroke-width: 1.6; stroke-linejoin: round; vector-effect: non-scaling-stroke; opacity: .85; }
.parallel path.best { stroke-width: 3; opacity: 1; } .parallel path.unjudged { stroke: var(--faint); stroke-dasharray: 4 4; } .parallel path.out { opacity: .06 !important; }
.parallel-axis { position: absolute; top: 0; bottom: 0; width: 28px; margin-left: -14px; cursor: crosshair; touch-action: none; }
.parallel-axis::before { content: ""; position: absolute; left: 13px; top: -4px; bottom: -4px; width: 2px; background: var(--edge); border-radius: 1px; }
.parallel-axis b { position: absolute; bottom: calc(100% + 12px); left: 14px; transform: translateX(-50%); font-size: 12px; font-weight: 600; white-space: nowrap; }
.parallel-axis span { position: absolute; right: 20px; transform: translateY(-50%); font-size: 11px; line-height: 1; color: var(--soft); background: var(--veil); padding: 1px 3px; border-radius: 3px; white-space: nowrap; pointer-events: none; }
.parallel-axis.last span { right: auto; left: 20px; }
.parallel-axis .band { position: absolute; left: 7px; width: 14px; background: var(--c0); opacity: .3; border-radius: 4px; }
table[data-sortable] th button { all: unset; cursor: pointer; } table[data-sortable] th button:hover { color: var(--text); } table[data-sortable] th button:focus-visible { outline: 2px solid var(--c0); outline-offset: 3px; border-radius: 2px; }
th[aria-sort]::after { content: " ▲"; font-size: 9px; } th[aria-sort=descending]::after { content: " ▼"; }
.tall { max-height: 720px; overflow: auto; padding-top: 0; } .tall thead th { position: sticky; top: 0; background: var(--card); padding-top: 14px; z-index: 1; }
tr.best td { background: var(--tint); } .tag { font-weight: 500; font-size: 12px; } tr.best .tag { color: var(--good); border-color: currentColor; }
table.jobs td, table.jobs th { white-space: nowrap; } .why { color: var(--soft); font-size: 12.5px; white-space: normal; display: inline-block; min-width: 200px; }
.why.bad { color: var(--bad); min-width: 0; overflow-wrap: anywhere; }
.best-card { margin-top: 18px; border-left: 4px solid var(--good); } .best-card .figure { font-size: 22px; margin-right: 4px; } .best-card .mono { color: var(--soft); }
.hover { position: absolute; inset: 0; pointer-events: none; }
.rule { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--faint); }
.tip { position: absolute; top: 4px; margin-left: 8px; background: var(--card); border: 1px solid var(--edge); border-radius: 7px; padding: 5px 9px; font-size: 12px; width: max-content; max-width: min(290px, 70vw); box-shadow: 0 3px 12px #0002; }
.tip.left { transform: translateX(calc(-100% - 16px)); } .tip b, .tip span { display: block; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
i.s0 { background: var(--c0) !important; } i.s1 { background: var(--c1) !important; } i.s2 { background: var(--c2) !important; }
i.s3 { background: var(--c3) !important; } i.s4 { background: var(--c4) !important; } i.s5 { background: var(--c5) !important; }
path.kept { fill: var(--kept); } path.dropped { fill: var(--dropped); } path.clean { fill: var(--clean); } path.dirty { fill: var(--dirty); }
i.kept, .bar.kept { background: var(--kept) !important; } i.dropped, .bar.dropped { background: var(--dropped) !important; }
i.clean, .bar.clean { background: var(--clean) !important; } i.dirty, .bar.dirty { background: var(--dirty) !important; }
.controls { display: flex; gap: 8px 20px; flex-wrap: wrap; font-size: 13px; font-weight: 400; color: var(--soft); margin-left: auto; align-items: center; }
.controls label { display: flex; align-items: center; gap: 7px; } .controls output { min-width: 2.4em; } .controls input { accent-color: var(--c0); }
.controls[hidden] { display: none; }
.bar-row { display: grid; grid-template-columns: minmax(70px, 26%) 1fr 106px; gap: 10px; align-items: center; font-size: 13px; padding: 3px 0; }
.bar-label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .bar-text { text-align: right; color: var(--soft); white-space: nowrap; }
.bar-track { position: relative; height: 14px; background: var(--code); border-radius: 4px; } .bar { position: absolute; inset: 0 auto 0 0; border-radius: 4px; background: var(--c5); }
.bar-line { position: absolute; top: -4px; bottom: -4px; width: 2px; margin-left: -1px; background: var(--text); }
.plot path.area { fill: var(--c1); opacity: .22; } .plot path.planned { stroke: var(--text); stroke-width: 1; stroke-dasharray: 4 4; } .plot.held { margin-left: 58px; } .plot.held .axis-x span:first-child { transform: none; } .plot.held .axis-x span:last-child { transform: translateX(-100%); } .legend i.flat { width: 14px; height: 2px; vertical-align: 3px; }
.timeline .bar { background: currentColor; min-width: 3px; } .timeline .bar-track { overflow: hidden; } .timeline .bar-track i { position: absolute; inset: 0 auto 0 0; width: 1px; background: var(--edge); }
.time-axis { position: relative; height: 16px; font-size: 11px; color: var(--soft); } .time-axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; } .time-axis span:first-child { transform: none; }
.memory { display: flex; height: 22px; border-radius: 5px; overflow: hidden; background: var(--code); } .memory span { min-width: 1px; }
.memory-rows { display: grid; grid-template-columns: max-content 1fr max-content; gap: 8px 14px; align-items: center; font-size: 13px; }
.m0 { background: var(--c0); } .m1 { background: var(--c1); } .m2 { background: var(--c2); } .m3 { background: var(--c5); }
.example { font-size: 13.5px; } .example + .example { border-top: 1px solid var(--edge); margin-top: 10px; padding-top: 10px; }
.example header { display: flex; gap: 4px 12px; flex-wrap: wrap; color: var(--soft); font-size: 12.5px; } .example header b { color: var(--text); }
.example p { overflow-wrap: anywhere; white-space: pre-wrap; margin: 4px 0; } .example p b { color: var(--soft); font-weight: 550; margin-right: 6px; }
.given { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 12px; margin: 6px 0 0; } .given dt { color: var(--soft); } .given dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; } .right { color: var(--good); } .wrong { color: var(--bad); } .soft, .given i { color: var(--soft); }
.tag { border: 1px solid var(--edge); border-radius: 5px; padding: 0 6px; } .tag.dirty { color: var(--dirty); border-color: currentColor; } .tag.clean { color: var(--clean); border-color: currentColor; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 14px; } .two.top { margin-top: 14px; align-items: start; }
.pipeline { display: grid; grid-template-columns: minmax(0, 410px) minmax(0, 1fr); gap: 14px; align-items: start; }
@media (max-width: 860px) { .pipeline { grid-template-columns: minmax(0, 1fr); } }
.lineage { width: 100%; height: auto; display: block; }
.lineage text { font-size: 10.5px; fill: var(--soft); } .lineage .made { fill: var(--text); }
.lineage .step rect { fill: var(--ground); stroke: var(--edge); } .lineage .step-name { font-size: 12.5px; font-weight: 600; fill: var(--text); }
.wire path { fill: none; stroke-width: 1.4; stroke: inherit; } .wire path.arrow { fill: var(--soft); stroke: none; } .wire.after { stroke: var(--faint); stroke-dasharray: 3 3; }
.wire text { stroke: none; } .wire:hover path { stroke-width: 2.6; } .lineage:has(.wire:hover) .wire:not(:hover) { opacity: .25; }
.lineage .reused rect { stroke: var(--c2); stroke-dasharray: 4 3; } .lineage .failed rect, .lineage .lost rect { stroke: var(--bad); } .lineage .skipped rect, .lineage .waiting rect { fill: none; stroke-dasharray: 2 4; } .lineage .skipped text, .lineage .waiting text { opacity: .75; }
.values { table-layout: fixed; } .values th:first-child { width: 42%; } .values td { overflow-wrap: anywhere; padding-top: 4px; padding-bottom: 4px; } .values small { display: block; color: var(--soft); font-size: 12px; } @media (min-width: 861px) { .values small { display: inline; margin-left: 14px; } } .values b { font-weight: 550; } .values .set .mono { color: var(--c0); font-weight: 600; }
.hash { color: var(--soft); }
.served { display: flex; align-items: center; gap: 6px 18px; flex-wrap: wrap; font-size: 13px; color: var(--soft); margin: -14px 0 18px; }
.served .live::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: var(--good); margin-right: 6px; } .served .live:empty { display: none; } .served .live.off::before { background: var(--bad); }
.served .progress { width: 140px; height: 5px; border-radius: 3px; background: var(--edge); overflow: hidden; } .served .progress[hidden] { display: none; } .served .progress i { display: block; height: 100%; background: var(--busy); }
footer { margin-top: 48px; color: var(--faint); font-size: 12.5px; }
@media (max-width: 520px) {
  main { padding: 20px 14px 48px; } h1 { font-size: 22px; } h2 { margin-top: 34px; } .card { padding: 12px; } .controls { margin-left: 0; width: 100%; }
  .bar-row { grid-template-columns: 96px 1fr 100px; } .facts { grid-template-columns: 1fr 1fr; } th, td { padding-right: 10px; }
}
@media print { body { background: #fff; } .controls { display: none; } details > * { display: block; } .card, details { break-inside: avoid; } .tall { max-height: none; } }
`;
