"""The web page of the process: what arrived in each chat, and what a user may do about it."""

from typing import TYPE_CHECKING, Any

from aiogram.types import MessageEntity
from aiogram.utils.text_decorations import html_decoration
from aiohttp import web

from sales_assets_tests.fake_telegram.mirror import file_of
from sales_assets_tests.fake_telegram.world import Chat, Json, World, is_from_bot

if TYPE_CHECKING:
    from sales_assets_tests.fake_telegram.control import Control

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Telegram, as the fake has it</title>
<link rel="icon" href="data:,">
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 0; background: #e6ebee; color: #222 }
header { position: sticky; top: 0; background: #fff; padding: 10px 16px;
         box-shadow: 0 1px 3px #0003 }
header > * { margin: 2px 6px 2px 0; font: inherit }
main { display: flex; gap: 16px; padding: 16px; align-items: flex-start; flex-wrap: wrap }
section { background: #d5e0d0; border-radius: 8px; padding: 12px; width: 420px }
h2 { font-size: 15px; margin: 0 0 8px }
article { background: #fff; border-radius: 8px; padding: 8px 10px; margin: 8px 60px 8px 0 }
article.user { background: #e3fbd4; margin: 8px 0 8px 60px }
article small { color: #777 } article p { margin: 4px 0; white-space: pre-wrap }
article img { max-width: 100%; border-radius: 6px; display: block }
.row { display: flex; gap: 4px; margin-top: 4px } .row button { flex: 1 }
#answer { padding: 8px 16px 0 } #problems { color: #a00; white-space: pre-wrap; padding: 0 16px }
</style></head><body>
<header>
 <label>as <select id="user"></select></label>
 <label>in <select id="chat"></select></label>
 <input id="text" size="40" placeholder="a message, for example /init">
 <button data-do="say">Send</button>
 <input id="invite" size="16" placeholder="invite">
 <button data-do="start">Start with the invite</button>
 <button data-do="add_bot_to">Add the bot to the group</button>
 <button data-do="remove_bot_from">Kick the bot</button>
 <button data-do="migrate">Make it a supergroup</button>
 <button data-do="block">Block the bot</button>
 <button data-do="unblock">Unblock</button>
</header>
<div id="answer"></div><div id="problems"></div><main id="chats"></main>
<script>
const byId = name => document.getElementById(name);
const control = async (name, body) => {
  const answer = await fetch("/control/" + name, {method: "POST", body: JSON.stringify(body)});
  const value = await answer.json();
  byId("problems").textContent = value && value.error ? value.error : "";
  return refresh();
};
const number = name => Number(byId(name).value);
const actions = {
  say: () => ["say", {user_id: number("user"), chat_id: number("chat") || number("user"),
                      text: byId("text").value}],
  start: () => ["start", {user_id: number("user"), payload: byId("invite").value}],
  add_bot_to: () => ["add_bot_to", {chat_id: number("chat"), by_user_id: number("user")}],
  remove_bot_from: () => ["remove_bot_from", {chat_id: number("chat"), by_user_id: number("user")}],
  migrate: () => ["migrate", {chat_id: number("chat")}],
  block: () => ["block", {user_id: number("user")}],
  unblock: () => ["unblock", {user_id: number("user")}],
};
document.querySelectorAll("[data-do]").forEach(button => {
  button.onclick = () => control(...actions[button.dataset.do]());
});
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const options = (select, items) => {
  const kept = select.value;
  select.replaceChildren(...items.map(item => make("option", {value: item.id}, item.name)));
  if (items.some(item => String(item.id) === kept)) select.value = kept;
};
const keyboard = (chat, message) => (message.keyboard || []).map(row =>
  make("div", {className: "row"}, ...row.map(button => make("button", {
    onclick: () => control("press", {user_id: number("user"), chat_id: chat.id,
                                     message_id: message.id, data: button.callback_data || ""}),
  }, button.text))));
const show = (chat, message) => {
  const text = make("p");
  text.innerHTML = message.html;
  const edited = message.edited ? " · edited" : "";
  const parts = [make("small", {}, `${message.id} · ${message.from}${edited}`)];
  if (message.photo) parts.push(make("img", {src: "/shown/" + message.photo}));
  if (message.document) parts.push(make("a", {href: "/shown/" + message.document,
    download: message.file_name}, message.file_name));
  return make("article", {className: message.is_bot ? "bot" : "user"},
    ...parts, text, ...keyboard(chat, message));
};
let last = "";
async function refresh() {
  const text = await (await fetch("/state")).text();
  if (text === last) return;
  last = text;
  const state = JSON.parse(text);
  options(byId("user"), state.users);
  options(byId("chat"), [{id: 0, name: "private chat"}, ...state.chats.filter(c => c.id < 0)]);
  byId("chats").replaceChildren(...state.chats.map(chat => make("section", {},
    make("h2", {}, `${chat.name} (${chat.kind} ${chat.id})`),
    ...chat.messages.map(message => show(chat, message)))));
  byId("answer").textContent = state.answer ? "The bot answered the button: " + state.answer : "";
  if (state.violations.length) byId("problems").textContent = state.violations.join("\\n");
}
refresh(); setInterval(refresh, 1000);
</script></body></html>
"""


def add_page(application: web.Application, control: "Control") -> None:
    """The page at `/`, its state and the files that it shows."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def state(_request: web.Request) -> web.Response:
        with control.world.lock:
            return web.json_response(shown_state(control))

    async def shown(request: web.Request) -> web.Response:
        file = control.world.files.get(request.match_info["file_id"])
        if file is None:
            raise web.HTTPNotFound
        return web.Response(body=file.content, content_type=file.media_type)

    application.router.add_get("/", page)
    application.router.add_get("/state", state)
    application.router.add_get("/shown/{file_id}", shown)


def shown_state(control: "Control") -> Json:
    people = [user for user in control.world.users.values() if not user.is_bot]
    return {
        "users": [{"id": user.user_id, "name": user.first_name} for user in people],
        "chats": [shown_chat(control.world, chat) for chat in control.world.chats()],
        "violations": control.violations,
        "answer": last_answer(control.world),
    }


def last_answer(world: World) -> str:
    """What the newest answered button showed to the user; empty if nothing."""
    answers = [query.answer["text"] for query in world.queries.values() if query.answer]
    return answers[-1] if answers else ""


def shown_chat(world: World, chat: Chat) -> Json:
    messages = [shown_message(world, message) for message in chat.messages.values()]
    return {"id": chat.chat_id, "name": chat.title, "kind": chat.kind, "messages": messages}


def shown_message(world: World, message: Json) -> Json:
    file = file_of(world, message)
    kind = {file.kind: file.file_id, "file_name": file.name} if file else {}
    return {
        "id": message["message_id"],
        "from": message["from"]["first_name"],
        "is_bot": is_from_bot(message),
        "edited": "edit_date" in message,
        "html": formatted(message),
        "keyboard": message.get("reply_markup", {}).get("inline_keyboard"),
        **kind,
    }


def formatted(message: Json) -> str:
    """The text with its entities as HTML, everything else escaped; service messages by name."""
    text = message.get("text") or message.get("caption")
    if text is None:
        names: list[Any] = [name for name in SERVICE_FIELDS if name in message]
        return ", ".join(names)
    entities = message.get("entities") or message.get("caption_entities") or []
    return html_decoration.unparse(text, [MessageEntity(**entity) for entity in entities])


SERVICE_FIELDS = ("new_chat_members", "migrate_to_chat_id", "migrate_from_chat_id")
