import { armColours, classColours } from '../plots/draw.ts';

const colours = (kind: string, pairs: readonly (readonly [string, string])[], side: 0 | 1) =>
  pairs.map((pair, at) => `--${kind}-${at}:${pair[side]};`).join('');
const variables = (side: 0 | 1) => colours('arm', armColours, side) + colours('class', classColours, side);

/** The page's style: one column of cards, light or dark as the reader's system is. */
export const style = `
:root{color-scheme:light dark;--paper:#f6f7f8;--card:#fff;--ink:#1b1f24;--muted:#5a636c;--line:#e2e5e9;--heat:#0067a5;--heat-ink:#fff;--warn:#9a4d00;--shade:#f0f2f4;--focus:#0067a5;--fade:#0003;${variables(0)}}
@media (prefers-color-scheme:dark){:root{--paper:#101316;--card:#181c20;--ink:#e6e9ec;--muted:#9aa4ad;--line:#2c3238;--heat:#56b4e9;--heat-ink:#0d1114;--warn:#f0a860;--shade:#20252a;--focus:#8accf3;--fade:#fff3;${variables(1)}}}
@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--muted:#444;--line:#ccc;--heat:#0067a5;--heat-ink:#fff;--shade:#f3f3f3;${variables(0)}}
nav,.controls,.panel{display:none!important}section,figure,.card{break-inside:avoid}body{font-size:10.5pt}main{max-width:none}}
*{box-sizing:border-box;print-color-adjust:exact;-webkit-print-color-adjust:exact}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header>div{max-width:1160px;margin:0 auto;padding:0 20px}
header{padding:34px 0 6px}header p{max-width:none}
h1{font-size:1.95rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.28rem;letter-spacing:-.008em;margin:0 0 .2rem}
h3{font-size:.98rem;margin:0 0 .5rem;overflow-wrap:anywhere}
p{margin:.35rem 0 .8rem;max-width:74ch}
a{color:inherit;text-decoration-color:var(--muted);text-underline-offset:2px}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.muted,.note{color:var(--muted)}.note{font-size:.9rem}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px;z-index:9}
nav{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--paper) 92%,transparent);backdrop-filter:blur(6px);border-bottom:1px solid var(--line);margin:14px 0 22px}
nav ul{display:flex;gap:4px 18px;list-style:none;margin:0 auto;padding:10px 20px;max-width:1160px;overflow-x:auto;scrollbar-width:none;white-space:nowrap;font-size:.92rem}
nav a{text-decoration:none;color:var(--muted)}nav a:hover{color:var(--ink)}
section{margin:0 0 34px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0}
.grid{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr))}
.grid.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,225px),1fr))}
.grid.third{grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));margin:18px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 15px}
.tile b{display:block;font-size:1.62rem;line-height:1.2;font-weight:640;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:.86rem;display:block}
.verdict{border-left:4px solid var(--focus);padding:10px 16px;background:var(--card);border-radius:0 8px 8px 0;margin:0 0 14px;max-width:none}
header .warning p{margin:.15rem 0}.warning{border-left:4px solid var(--warn);padding:10px 16px;background:var(--card);border-radius:0 8px 8px 0;margin:0 0 12px}
.scroll{overflow-x:auto;max-width:100%;background:linear-gradient(to right,var(--card) 40%,transparent) left/44px 100% no-repeat local,linear-gradient(to left,var(--card) 40%,transparent) right/44px 100% no-repeat local,linear-gradient(to right,var(--fade),transparent) left/16px 100% no-repeat scroll,linear-gradient(to left,var(--fade),transparent) right/16px 100% no-repeat scroll}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
caption{text-align:left;color:var(--muted);padding-bottom:6px;font-size:.88rem}
th,td{padding:4px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:baseline}
thead th{font-weight:600;color:var(--muted);white-space:nowrap}tbody th{font-weight:500;white-space:nowrap}
thead th .measure{display:inline-block;white-space:normal;max-width:8.5em}.whole{white-space:nowrap}
.n{text-align:right;white-space:nowrap}.wide{width:100%}
tr:last-child>*{border-bottom:0}
.dot{display:inline-block;width:.72em;height:.72em;border-radius:50%;margin-right:.45em;vertical-align:baseline;background:var(--k)}
.best{font-weight:680}
figure{margin:0;min-width:0}figure svg{display:block;width:100%;max-width:var(--w);height:auto}
figure.center svg{margin:0 auto}
figure.as-drawn svg{min-width:var(--w)}
svg text{white-space:pre}
figcaption{font-weight:600;font-size:.95rem;margin:0 0 8px}figcaption small{display:block;font-weight:400;color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:.9rem;margin:0 0 10px;color:var(--ink)}
.confusion{font-size:.8rem}.confusion td,.confusion thead th{text-align:center;padding:0;border:1px solid var(--card)}
.confusion td{min-width:38px;height:34px;background:color-mix(in srgb,var(--heat) var(--p),var(--card))}
.confusion td.strong{color:var(--heat-ink)}.confusion td small{display:block;font-size:.82em;line-height:1;opacity:.85}
.confusion td.more{background:color-mix(in srgb,var(--arm-0) var(--p),var(--card))}.confusion td.less{background:color-mix(in srgb,var(--arm-1) var(--p),var(--card))}
.confusion thead th:first-child{border:0}.confusion thead th{height:92px;vertical-align:bottom}.confusion thead th span{writing-mode:vertical-rl;transform:rotate(180deg);padding:4px 0;max-height:88px;overflow:hidden;text-overflow:ellipsis}
.confusion tbody th{border:0;padding:0 8px 0 0;text-align:right;white-space:nowrap;max-width:130px;overflow:hidden;text-overflow:ellipsis}
.pictures{display:flex;flex-wrap:wrap;gap:12px 10px;margin:0;padding:0;list-style:none}
.pictures li{width:86px;font-size:.76rem;line-height:1.3;overflow-wrap:anywhere}
.pairs{display:flex;flex-wrap:wrap;gap:12px 26px}.pairs .differ .picture{box-shadow:0 0 0 2px var(--arm-1)}
.pictures.tight{gap:5px}.pictures.tight li{width:auto}
.picture{display:block;border-radius:4px;image-rendering:pixelated;background-repeat:no-repeat;background-color:var(--shade)}
#data .card>.scroll{margin-top:14px}h3.apart{margin-top:18px}
.contact{grid-template-columns:fit-content(13em) minmax(0,1fr);align-items:center;gap:6px 18px}.contact dt{overflow-wrap:anywhere}
.pictures.rejected li{width:130px}.pictures.rejected .picture{width:96px;height:96px;background-size:contain;background-position:center;margin-bottom:3px}
.neighbours td{padding:3px 5px;border:0}.neighbours th{border:0;vertical-align:middle}.neighbours td{vertical-align:middle}
.right{box-shadow:0 0 0 2px var(--arm-2)}.wrong{box-shadow:0 0 0 2px var(--arm-1)}
.map{display:grid;grid-template-columns:minmax(0,1fr) 270px;gap:20px;align-items:start}
@media (max-width:820px){.map{grid-template-columns:minmax(0,1fr)}}
.map figure{position:relative}.map svg [data-point]{cursor:pointer}
.map svg [data-point].on{stroke:var(--ink);stroke-width:3;fill-opacity:1}
.map svg [data-point].near{stroke:var(--focus);stroke-width:2.4;fill-opacity:1}
.stage{border-radius:6px}.stage svg{touch-action:manipulation}
header p.verdict{max-width:none}.panel{border:1px solid var(--line);border-radius:8px;padding:12px;min-height:150px;font-size:.9rem}
.panel .pictures li{width:48px}
.tip{position:fixed;pointer-events:none;z-index:10;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:6px;font-size:.78rem;box-shadow:0 4px 16px #0003;max-width:150px}
.choices{display:flex;gap:6px;margin:0 0 8px;border:0;padding:0}
.choose{position:absolute;opacity:0}
.choices label{border:1px solid var(--line);border-radius:6px;padding:3px 11px;font-size:.88rem;cursor:pointer;color:var(--muted)}
.projections>.stage{display:none}
.projections:has(.choose-umap:checked)>.stage.umap,.projections:has(.choose-pca:checked)>.stage.pca,.projections.single>.stage{display:block}
.projections:has(.choose-umap:checked) .for-umap,.projections:has(.choose-pca:checked) .for-pca{color:var(--ink);border-color:var(--ink);background:var(--shade)}
.projections:has(.choose-umap:focus-visible) .for-umap,.projections:has(.choose-pca:focus-visible) .for-pca{outline:2px solid var(--focus);outline-offset:2px}
@media print{.projections>.stage{display:block!important}.map{display:block}}
details summary{cursor:pointer;color:var(--muted);margin:6px 0}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 18px;margin:0}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
.state-open{color:var(--warn)}
footer{color:var(--muted);font-size:.86rem;padding:10px 0 50px}
@media (max-width:520px){caption{max-width:calc(100vw - 58px)}main,header>div{padding:0 14px}nav ul{padding:10px 14px}.card{padding:13px 12px}h1{font-size:1.55rem}.tile b{font-size:1.35rem}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}dl,.contact{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:6px}.contact dd{margin-bottom:12px}th,td{padding:4px 7px}tbody th{white-space:normal;min-width:7em}.confusion tbody th,.neighbours tbody th{min-width:0;max-width:84px;font-size:.92em}}
`;
