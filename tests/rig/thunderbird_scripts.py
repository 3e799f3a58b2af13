"""What Thunderbird is asked from inside: where something lies on the screen, and what it shows.

Each is the body of an async function in its main window; ``arguments`` are those of ``Thunderbird.look``.
Places are x and y on the screen, null where there is nothing yet.
"""

from __future__ import annotations

# agent: his passwords, so that no window asks for them.
REMEMBER_PASSWORDS = """
const [agent] = arguments;
for (const origin of ["imap://127.0.0.1", "smtp://127.0.0.1"]) {
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init(origin, null, origin, agent, agent, "", "");
  await Services.logins.addLoginAsync(login);
}
"""

# width, height
FILL_THE_SCREEN = """
const [width, height] = arguments;
window.moveTo(0, 0);
window.resizeTo(width, height);
goDoCommand("cmd_getNewMessages");
"""

_PANE = 'const pane = document.getElementById("tabmail")?.currentAbout3Pane;'
_PLACE = """
const place = (element, right, down) => {
  if (!element) return null;
  element.scrollIntoView({block: "nearest"});
  const {x, y} = element.getBoundingClientRect();
  const view = element.ownerDocument.defaultView;
  return [view.mozInnerScreenX + x + right, view.mozInnerScreenY + y + down];
};
"""

IS_READY = f"{_PANE} return pane?.document.readyState === 'complete';"

# URI of a folder
FOLDER = f"""{_PANE} {_PLACE}
const row = [...pane.folderTree.querySelectorAll("li")].find(row => row.uri === arguments[0]);
return place(row?.querySelector(".name"), 15, 19);
"""
OPEN_FOLDER = f'{_PANE} return pane.gFolder?.URI ?? "";'

# subject: the first mail in the open folder that has it, after all threads are unfolded
MAIL = f"""{_PANE} {_PLACE}
if (!pane.gDBView) return null;
pane.commandController.doCommand("cmd_expandAllThreads");
for (let row = 0; row < pane.gDBView.rowCount; row++) {{
  if (pane.gDBView.getMsgHdrAt(row).mime2DecodedSubject === arguments[0]) {{
    return place(pane.threadTree.getRowAtIndex(row), 60, 5);
  }}
}}
return null;
"""
OPEN_MAIL = f"""{_PANE}
const shown = pane.messageBrowser.contentWindow;
return shown.msgLoaded ? shown.gMessage?.mime2DecodedSubject : "";
"""
REPLY_BUTTON = f"""{_PANE} {_PLACE}
const found = pane.messageBrowser.contentDocument;
const buttons = ["hdrReplyToSenderButton", "hdrReplyButton"].map(name => found.getElementById(name));
return place(buttons.find(button => button?.getClientRects().length), 20, 10);
"""

_LETTER = 'const letter = Services.wm.getMostRecentWindow("msgcompose");'

# width, height: the letter that is being written
LETTER = f"""{_PLACE} {_LETTER}
if (!letter?.gMsgCompose?.editor || letter.document.readyState !== "complete") return null;
letter.moveTo(0, 0);
letter.resizeTo(...arguments);
return {{
  to: letter.gMsgCompose.compFields.to,
  body: place(letter.document.getElementById("messageEditor"), 90, 20),
  send: place(letter.document.getElementById("button-send"), 20, 10),
}};
"""
WRITTEN = f'{_LETTER} return letter.document.getElementById("messageEditor").contentDocument.body.innerText;'
IS_WRITING = f"{_LETTER} return Boolean(letter);"

# command: of the open folder and its mails
COMMAND = f"{_PANE} pane.commandController.doCommand(arguments[0]);"
UNDO = 'goDoCommand("cmd_undo");'
