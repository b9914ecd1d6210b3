/// The look that all pages have in common, in light, in dark and on paper, from 390 pixels on.
enum PageStyle {
  /// What a page's head begins with. The policy has the browser refuse any request, whatever a name in a file holds.
  static let head = #"""
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
    <link rel="icon" href="data:,">
    """#

  /// The `--h` colours are a ramp from a full accumulator to one with room, told apart by their lightness alone.
  static let css = #"""
    :root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1c1f23; --soft: #5d646d;
      --line: #dcdfe3; --type: #dfe5ee; --need: #3a6ea5; --outer: #8a5fb0; --good: #1f6f41; --bad: #b8323c; --open: #7d6115;
      --mark: #fff3c4; --focus: #0b62c4; --alone: #56b4e9; --place: #0072b2; --clip: #d1661c;
      --h0: #16426e; --h1: #2f6ca8; --h2: #6f9fcd; --h4: #aac7e3; --h8: #dce8f4; --dark-label: #fff; --light-label: #14233a; }
    @media screen and (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1d2126; --ink: #e7e9ec;
      --soft: #a3acb6; --line: #343a42; --type: #2f3844; --need: #6ba3dc; --outer: #b893dc; --good: #5fbf85;
      --bad: #ef7078; --open: #d9b450; --mark: #4a3f14; --focus: #7db4ff; --alone: #56b4e9; --place: #6b8fdc; --clip: #f0a268;
      --h0: #9cc9f5; --h1: #649bd0; --h2: #3f6f9f; --h4: #2d4c6c; --h8: #22344a; --dark-label: #10202f; --light-label: #eaf2fb; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 76rem; background: var(--page);
      color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.05rem; margin: 2.5rem 0 .25rem; } h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
    h4 { font-size: .85rem; margin: 1rem 0 0; }
    p { margin: .25rem 0; overflow-wrap: anywhere; } .soft { color: var(--soft); } .small { font-size: .85rem; }
    .good { --state: var(--good); } .bad { --state: var(--bad); } .open { --state: var(--open); }
    .badge { display: inline-block; padding: .1rem .6rem; border: 1px solid var(--state);
      border-radius: 1rem; color: var(--state); font-weight: 600; }
    :focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .75rem; margin-top: 1.25rem; }
    .tile { padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; min-width: 0; }
    .tile b { display: block; font-size: 1.4rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .card { padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
      border-radius: .5rem; min-width: 0; }
    .chart { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr) minmax(6.5rem, max-content); gap: .3rem .75rem;
      align-items: center; margin-top: .75rem; }
    .row { display: contents; } .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .axis { position: relative; height: 1.3rem; border-top: 1px solid var(--line); }
    .axis span { position: absolute; transform: translateX(-50%); }
    .key i { display: inline-block; width: 1.4rem; height: .7rem; margin: 0 .35rem 0 .9rem;
      border-radius: .15rem; } .key i:first-child { margin-left: 0; }
    .count { font-variant-numeric: tabular-nums; white-space: nowrap; }
    .scroll { overflow-x: auto; margin-top: .75rem; }
    table { border-collapse: collapse; width: 100%; font-size: .82rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
    th { font-weight: 600; color: var(--soft); } th.group { text-align: center; border-bottom: 0; }
    th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--page);
      max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
    th button { all: unset; cursor: pointer; font-weight: 600; color: var(--soft); }
    th button:focus-visible { outline: 2px solid var(--focus); }
    th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
    tr.selected td { background: var(--mark); } tr[data-index] { cursor: pointer; }
    label.filter { display: block; margin-top: .5rem; } label.filter input { font: inherit; padding: .25rem .5rem; width: 16rem;
      max-width: 100%; border: 1px solid var(--line); border-radius: .3rem; background: var(--card); color: var(--ink); }
    pre { margin: .5rem 0 0; font: .78rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
    details { margin-top: 1rem; } summary { cursor: pointer; }
    dl.pairs { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem .9rem; margin: .5rem 0 0; }
    dl.pairs dt { color: var(--soft); } dl.pairs dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
    footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
    [hidden] { display: none !important; }
    @media (max-width: 30rem) { body { padding: 1.25rem .9rem 3rem; } h1 { font-size: 1.3rem; }
      th:first-child, td:first-child { max-width: 9rem; } dl.pairs { grid-template-columns: minmax(0, 1fr); } dl.pairs dd { margin-bottom: .3rem; } }
    @media print {
      :root { color-scheme: light; --page: #fff; --mark: #fff; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      body { padding: 0; max-width: none; } label.filter, .screen { display: none !important; }
      .scroll { overflow: visible; } table { font-size: .6rem; } th, td { padding: .15rem .25rem; white-space: normal; }
      th:first-child, td:first-child { position: static; max-width: none; overflow-wrap: anywhere; }
      .card, .tile, tr { break-inside: avoid; } h2 { break-after: avoid; } }
    """#
}
