/**
 * The one stylesheet of all pages; its hash stands in the Content-Security-Policy. System fonts, colours in light and dark: text has a contrast of
 * 4.5 at least, the edges of what can be pressed or filled in (`--edge`) of 3 (WCAG 1.4.3, 1.4.11).
 */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1b1d22; --soft: #565d6b; --ground: #f4f5f7; --card: #fff; --line: #d5d9e0; --edge: #868e9c; --accent: #0b5cad; --on-accent: #fff; --danger: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #eceef2; --soft: #a7aebb; --ground: #14161a; --card: #1e2127; --line: #3a404b; --edge: #737c8b; --accent: #7db8f5; --on-accent: #0a1a2b; --danger: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; align-items: flex-start; justify-content: center; padding: 1.5rem 1rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 32rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
p, ul, dl, form { margin: 0 0 1rem; }
a { color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.choices { list-style: none; padding: 0; }
.choices > li { padding: .75rem 0; border-top: 1px solid var(--line); }
.provider { display: flex; align-items: center; gap: .75rem; }
.provider a { flex: 1; padding: .6rem 0; font-weight: 600; }
.mark { flex: none; width: 2rem; height: 2rem; border-radius: 50%; background: var(--accent); color: var(--on-accent); display: inline-flex; align-items: center; justify-content: center; }
.icon { flex: none; width: 2rem; height: 2rem; object-fit: contain; }
.soft { color: var(--soft); }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 1rem; }
button, .button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1.25rem; border-radius: .5rem; border: 1px solid var(--edge); background: transparent; color: var(--text); overflow-wrap: normal; cursor: pointer; text-decoration: none; display: inline-flex; align-items: center; justify-content: center; flex: 1 1 8rem; }
button.primary, .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.danger { border-color: var(--danger); color: var(--danger); }
fieldset { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input[type=text] { font: inherit; width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--card); color: var(--text); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.actions form { margin: 0; display: flex; flex: 1 1 8rem; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd + dt { margin-top: .5rem; } }
@media (forced-colors: active) { button, .button, main { border: 1px solid; } }
`;
