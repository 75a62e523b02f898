"""The words that end messages and that confirm, from regulation.md §9 and §15, written down apart
from the product's."""

from typing import Final

OPT_OUT: Final = (
    "stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe", "stopall", "optout",
    "stop all", "unsub", "remove", "remove me", "arret", "stp", "sto", "sotp", "tsop",
    "stpo", "stopp", "sstop", "stoop", "dtop", "stoo", "st0p", "s t o p",  # codespell:ignore
    "stopit", "unsubcribe", "unsubscrib", "unsuscribe", "unsubscibe",  # codespell:ignore
    "cancle", "cancell", "qiut", "quti", "stop texting",  # codespell:ignore
    "stop texting me", "stop messaging me", "stop sending me", "stop contacting me",
    "stop these messages", "stop the texts", "please stop", "stop please", "no more texts",
    "no more messages", "don't text me", "do not text me", "don't contact me",
    "do not contact me", "take me off", "remove my number", "remove me from",
    "delete my number", "lose my number", "leave me alone", "opt me out",
    "wish to unsubscribe", "want to unsubscribe", "alto", "parar", "pare", "paren", "para",
    "basta", "baja", "dar de baja", "darme de baja", "deme de baja", "desuscribir",
    "desuscribirme", "cancelar", "cancelar suscripcion", "detener", "salir", "fin", "no mas",
    "no mas mensajes", "eliminar", "eliminenme", "borrenme", "quitenme", "quitar de la lista",
    "no me envien", "no me manden", "no me escriban", "no me contacten", "no me llamen",
    "ya no me manden", "ya no me escriban", "dejen de enviarme", "dejen de escribirme",
    "dejen de mandarme", "dejenme en paz", "no quiero recibir", "no quiero mas mensajes",
    "quiteme de la lista", "no enviar mas", "बंद", "बंद करो", "बंद करें", "बंद कर दो", "रोको",
    "रोकें", "रोक दो", "हटाओ", "मत भेजो", "मत भेजें", "स्टॉप", "अनसब्सक्राइब", "मैसेज मत भेजो",
    "मैसेज मत भेजें", "संदेश मत भेजें", "मैसेज बंद करो", "मैसेज नहीं चाहिए", "संपर्क मत करो",
    "band", "band karo", "band kro", "band kar do", "band krdo", "roko", "rokiye", "rok do",
    "hatao", "mat bhejo", "mat bhejna", "stop karo", "stop kro", "stop kar do",
    "msg mat bhejo", "message mat bhejo", "sms mat bhejo", "message band karo",
    "msg band karo", "message nahi chahiye", "msg nahi chahiye", "contact mat karo",
    "unsubscribe karo", "🛑", "✋🛑", "🛑🛑🛑",
)  # fmt: skip
"""Each one, as the whole message, opts out."""
ALSO_OPT_OUT: Final = (
    "stop it", "unsubscribe me", "stop sending me messages", "stop sending me texts",
    "stop messages", "stop texts", "take me off your list", "remove me from your list",
    "i wish to unsubscribe", "i want to unsubscribe", "no me envien mas mensajes",
    "no me manden mas mensajes", "ya no me manden mensajes", "dejen de enviarme mensajes",
    "dejen de mandarme mensajes", "no quiero recibir mensajes",
)  # fmt: skip
"""Whole messages that §9's step on opt-out phrases covers; our own lists of them."""
CONFIRM: Final = (
    "yes", "y", "c", "yep", "yeah", "yup", "yea", "yess", "yes please", "confirm", "confirmed",
    "confirming", "confrim", "comfirm", "ok", "okay", "okey", "sure",  # codespell:ignore
    "sounds good", "i'll be there", "i will be there", "see you then", "1", "si", "sii",
    "siii", "si por favor", "confirmo", "confirmar", "confirmado", "confirmada",
    "confirmo mi cita", "vale", "de acuerdo", "dale", "listo", "claro", "ahi estare",
    "alli estare", "asistire", "esta bien", "si voy", "हाँ", "हां", "जी", "जी हाँ", "हाँ जी",
    "ठीक है", "पक्का", "आऊँगा", "आऊंगी", "आ रहा हूँ", "आ रही हूँ", "कन्फर्म", "haan", "han",
    "haa", "hanji", "haan ji", "ji haan", "ji", "theek hai", "thik hai",  # codespell:ignore
    "thikhai", "pakka", "aaunga", "aaungi", "aa raha hu", "aa rahi hu", "confirm karo", "👍",
    "✅", "👌", "🙏",
)  # fmt: skip
"""Each one, as the whole message, confirms."""
CONCERNS_VISIT: Final = frozenset({"cancel", "cancle", "cancell", "cancelar"})  # codespell:ignore
"""Opts out and opens a task: the patient may have meant the visit."""
RESUBSCRIBES: Final = frozenset({"yes"})
"""Twilio's word for START: confirms, and staff look whether a subscription was meant."""
