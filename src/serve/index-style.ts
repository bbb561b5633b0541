/** What the list has beyond the look of every page. */
export const indexStyle = `
.index { max-width: 1280px; } .index header { margin-bottom: 16px; }
.live { font-size: 13px; color: var(--soft); } .live::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: var(--good); margin-right: 6px; } .live.off::before { background: var(--bad); }
.filters { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; margin-top: 16px; font-size: 13px; color: var(--soft); } .filters[hidden] { display: none; }
.filters input { flex: 1 1 220px; max-width: 380px; } .filters input, .filters select { font: inherit; font-size: 14px; color: var(--text); background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 7px 11px; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; } .chips button { font: inherit; color: var(--soft); background: none; border: 1px solid var(--edge); border-radius: 99px; padding: 4px 11px; cursor: pointer; }
.chips button[aria-pressed=true] { color: var(--text); background: var(--card); border-color: var(--soft); } .chips b { font-weight: 600; color: var(--text); margin-left: 2px; }
.list { padding: 4px 16px; } .list table { table-layout: fixed; } .list th { padding-top: 10px; }
.list th:nth-child(1) { width: 104px; } .list th:nth-child(3) { width: 132px; } .list th:nth-child(4) { width: 168px; } .list th:nth-child(5) { width: 150px; } .list th:nth-child(6) { width: 132px; }
.list td { vertical-align: middle; padding-top: 8px; padding-bottom: 8px; } .list tbody:last-child tr:last-child td { border-bottom: 0; } .list tbody tr:last-child td { border-bottom: 1px solid var(--edge); }
.state { font-size: 13px; font-weight: 600; } .name { overflow-wrap: anywhere; } .name a { color: var(--text); } .name small { color: var(--soft); font-size: 13px; }
.name .path, .name .overrides, .name .why { display: block; font-size: 12px; color: var(--soft); } .name .overrides { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 11.5px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.name .why { color: var(--bad); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.start, .time { font-size: 13px; color: var(--soft); } .time { color: var(--text); } .progress { display: block; height: 5px; border-radius: 3px; background: var(--code); overflow: hidden; margin-bottom: 3px; } .progress i { display: block; height: 100%; background: var(--busy); transition: width .4s; }
.progress-text, .since { font-size: 12px; color: var(--soft); display: block; }
.curve svg { width: 100%; height: 28px; display: block; overflow: visible; } .curve path { fill: none; stroke: var(--c0); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.figure span { display: block; font-size: 11.5px; color: var(--soft); white-space: normal; overflow-wrap: anywhere; } .figure b { font-weight: 600; }
.member td { border-bottom-color: transparent; padding-top: 4px; padding-bottom: 4px; } .member .name { padding-left: 26px; } .member .path { display: none; } .scripted tbody:not(.open) .member { display: none; }
.more { all: unset; cursor: pointer; width: 20px; height: 20px; line-height: 20px; text-align: center; margin-right: 4px; border-radius: 5px; color: var(--soft); } .more[hidden] { display: none; } .more::before { content: "▸"; } .open .more::before { content: "▾"; } .more:hover { background: var(--code); } .more:focus-visible { outline: 2px solid var(--c0); }
tbody.fresh td { animation: fresh 1.6s; } @keyframes fresh { from { background: var(--tint); } } tbody[hidden] { display: none; }
.empty, .none { color: var(--soft); text-align: center; padding: 40px 0; } .empty[hidden], .none[hidden] { display: none; }
@media (prefers-reduced-motion: reduce) { tbody.fresh td { animation: none; } .progress i { transition: none; } }
@media (max-width: 820px) {
  .list { padding: 0 12px; } .list thead { display: none; } .list table, .list tbody { display: block; } .list tbody[hidden] { display: none; }
  .list tr { display: grid; grid-template-columns: 1fr 96px; grid-template-areas: "name state" "start figure" "time curve"; gap: 2px 12px; padding: 10px 0; border-bottom: 1px solid var(--edge); } .list tbody:last-child tr:last-child { border-bottom: 0; }
  .list td, .list tbody tr:last-child td { display: block; padding: 0; border: 0; } .state { grid-area: state; text-align: right; } .name { grid-area: name; min-width: 0; } .start { grid-area: start; } .time { grid-area: time; } .curve { grid-area: curve; } .list td.figure { grid-area: figure; padding: 0; }
  .member .name { padding-left: 0; } .list .member { padding-left: 18px; } .chips { order: 3; } .filters label { margin-left: auto; } .filters input { flex-basis: 150px; }
}
`;
