"""How a report looks: on a light or dark screen, and on paper."""

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59616b;--line:#d5d9de;
--paper:#fdfdfb;--tint:#f3f4f1;--accent:#1f4e79;--good:#1c6b3a;--bad:#a3231f;
--warn:#7a5200}
@media (prefers-color-scheme:dark){:root{--ink:#e4e6e8;--soft:#a2a9b1;--line:#3a4048;
--paper:#16181b;--tint:#1f2226;--accent:#8fbce6;--good:#7fcf9b;--bad:#f19a94;
--warn:#e3bd6d}}
*{box-sizing:border-box}
html{font-size:17px;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.55;
font-family:Charter,"Bitstream Charter","Iowan Old Style",Cambria,Georgia,
"DejaVu Serif",serif}
header,nav,main,footer{max-width:58rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.5rem}
h1{font-size:2.1rem;line-height:1.2;font-weight:600;margin:.2rem 0 .8rem}
h2{font-size:1.4rem;font-weight:600;margin:3.2rem 0 .8rem;padding-top:.7rem;
border-top:2px solid var(--ink)}
h3{font-size:1.12rem;font-weight:600;margin:2rem 0 .5rem}
h4{font-size:1rem;font-weight:600;margin:1.4rem 0 .4rem}
p,li{max-width:44rem}
p{margin:.5rem 0}
ul{padding-left:1.2rem}
li{margin:.25rem 0}
a{color:var(--accent)}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",
monospace;font-size:.76rem}
code{overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--tint);
border-left:3px solid var(--line);padding:.8rem 1rem;line-height:1.5}
.kicker,dt,caption,thead th,nav,figcaption,.small{font-family:system-ui,"Segoe UI",
Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
.kicker{color:var(--soft);font-size:.76rem;letter-spacing:.09em;
text-transform:uppercase;margin:0}
.small{font-size:.82rem;color:var(--soft)}
.notice{border:1px solid var(--warn);border-left-width:5px;padding:.7rem 1rem;
color:var(--warn);max-width:none}
nav{font-size:.84rem;padding-top:1.2rem;padding-bottom:.2rem}
nav ol{columns:2;column-gap:2.5rem;margin:.4rem 0;padding-left:1.4rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
dl{margin:.8rem 0;border-top:1px solid var(--line)}
dl>div{display:grid;grid-template-columns:11rem 1fr;gap:1rem;padding:.38rem 0;
border-bottom:1px solid var(--line)}
dd pre{margin:.2rem 0}
dt{color:var(--soft);font-size:.8rem;padding-top:.15rem}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;margin:1rem 0;font-size:.88rem}
caption{text-align:left;color:var(--soft);font-size:.8rem;padding-bottom:.4rem}
thead th{font-size:.76rem;font-weight:600;color:var(--soft);text-align:left;
vertical-align:bottom;border-bottom:1.5px solid var(--ink);padding:.3rem .9rem .3rem 0}
tbody th,td{text-align:left;vertical-align:top;font-weight:400;padding:.36rem .9rem
.36rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;
font-variant-numeric:tabular-nums}
thead th{overflow-wrap:normal}
td code,tbody th code{font-size:.69rem}
.number{white-space:nowrap}
.outcome{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:.74rem;
font-weight:700;letter-spacing:.04em;white-space:nowrap}
.pass{color:var(--good)}
.fail{color:var(--bad)}
.range{display:block;color:var(--soft);font-size:.78rem;white-space:nowrap}
svg{display:block;width:9.5rem;height:1.7rem}
svg .axis{stroke:var(--line)}
svg .limit{stroke:var(--bad)}
svg .before{stroke:var(--soft);fill:var(--paper)}
svg .after{stroke:var(--accent);fill:var(--accent)}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr));
gap:1.3rem;margin:1rem 0}
figure{margin:0;break-inside:avoid}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.3rem}
.pair div{min-width:0}
.pair img{display:block;width:100%;height:auto;border:1px solid var(--line)}
.pair span{display:block;font-size:.7rem;color:var(--soft);
font-family:system-ui,"DejaVu Sans",sans-serif}
figcaption{font-size:.78rem;margin-top:.35rem;overflow-wrap:anywhere}
.signed{border:1px solid var(--line);padding:.2rem 1.1rem .6rem;margin:1.2rem 0;
break-inside:avoid}
.signed h3{margin-top:.8rem}
.signed dl{margin-bottom:.4rem}
footer{padding-top:2.5rem;padding-bottom:4rem}
@media (max-width:40rem){dl>div{grid-template-columns:1fr;gap:0}nav ol{columns:1}}
@media print{@page{size:A4;margin:18mm 16mm}
:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--tint:#f5f5f5;--accent:#000;
--good:#0b5a2b;--bad:#8f1511;--warn:#5c3d00}
html{font-size:10.5pt}
header{padding-top:0}
header,nav,main,footer{max-width:none;padding-left:0;padding-right:0}
h2,h3,h4,caption{break-after:avoid}
tr,dl>div{break-inside:avoid}
thead{display:table-header-group}
a{text-decoration:none}
td code,tbody th code{font-size:.62rem}
.pairs{grid-template-columns:repeat(3,1fr)}}
"""


def content_policy() -> str:
    """Return what a browser may do for a report: this style, pictures inside it."""
    digest = hashlib.sha256(STYLE.encode()).digest()
    style = base64.b64encode(digest).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
