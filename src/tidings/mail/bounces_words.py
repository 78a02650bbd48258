"""The words by which returned mail is understood, in the languages that mail systems and readers write. Pure.

A new one goes here, with a message in `tests/bounce_corpus/` that has it.
"""

from __future__ import annotations

import re

from tidings.model import Meaning


def _any_of(phrases: str) -> re.Pattern[str]:
    """A pattern of alternatives, which stand between slashes or on lines of their own."""
    pieces = (phrase.strip() for line in phrases.splitlines() for phrase in line.split(" / "))
    return re.compile("|".join(filter(None, pieces)), re.IGNORECASE)


MEANINGS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (
        "mailbox-full",
        _any_of(
            r"""
            over ?quota / quota (is |was )?(exceed|full|violat) / space not enough / not enough (disk )?space
            exceed\w{0,3} .{0,40}quota / out of (disk )?(space|storage)
            (mail ?box|mail ?folder|inbox|mail ?drop|account)\W+(is |was |has been |storage )?(too )?full
            full mailbox / exceed\w{0,3} .{0,30}storage / storage (limit|quota) / mailbox size limit
            insufficient (disk )?space / disk quota / (postfach|mailbox).{0,30}\bvoll / kontingent / speicherplatz
            bo[iî]te.{0,40}pleine / quota.{0,40}d[ée]pass / buz[oó]n.{0,40}llen[oa] / cuota / casella.{0,30}piena
            caixa.{0,40}cheia / переполнен / квот / ящик.{0,20}полон / メールボックス.{0,30}(いっぱい|満杯|超え)
            (容量|空间|空間|配额).{0,20}(いっぱい|超|不足|满|滿) / (邮箱|郵箱|信箱).{0,12}(满|滿|空间不足|空間不足|超)
            ممتلئ / امتلأ / الحصة
            """
        ),
    ),
    (
        "rate-limited",
        _any_of(
            r"""
            rate.?limit / too (many|much) (messages|mails?|connections|sessions|recipients|traffic|errors) / throttl
            at a rate / unusual rate / frequen(cy|tly) / sending (rate|limit) / too (fast|quickly)
            (hourly|daily|sending) (limit|quota) / user complaints / 频率 / 頻率 / лимит (писем|сообщений)
            """
        ),
    ),
    (
        "temporary",
        _any_of(
            r"""
            gr[ea]y.?list / postgrey
            """
        ),
    ),
    (
        "too-large",
        _any_of(
            r"""
            message (size )?(is )?too (large|big) / (size|message) .{0,30}exceeds? .{0,30}(size|limit|maximum)
            too large / exceed(s|ed)? (the )?(max\w* )?(incoming )?(message )?size / zu gro(ß|ss)
            trop (volumineux|gros) / demasiado grande / слишком больш / サイズ.{0,20}(超|大き)
            (邮件|郵件).{0,6}(大小|过大|過大) / troppo grande / muito grande / كبير(ة)? جد
            """
        ),
    ),
    # Exchange Online says this of recipients it does not know ("directory-based edge blocking").
    (
        "address-dead",
        _any_of(
            r"""
            recipient address rejected: access denied / resolver\.adr\.(recip|ex)\w*notfound
            """
        ),
    ),
    (
        "policy",
        _any_of(
            r"""
            sender (address |domain |ip )?(rejected|denied|blocked|verif|refused|domain|not) / reverse (dns|host)
            \brdns\b / \bptr\b / client host / cannot find your / your (ip|domain|server|host|network)\b / \bhelo\b
            \behlo\b
            """
        ),
    ),
    (
        "mailbox-disabled",
        _any_of(
            r"""
            (mail ?box|account|user|recipient|address)\W+(\w+ )?((is|has been|was|currently) )*(disabled|suspended)
            (mail ?box|account|user|recipient|address)\W+(\w+ )?((is|has been|was) )*(inactive|closed|deactivated)
            (mail ?box|account|user|recipient|address)\W+(\w+ )?((is|has been|was) )*(blocked|locked|expired|frozen)
            (account|mailbox) that you tried to reach (is|has been) (inactive|disabled|suspended)
            (disabled|inactive|suspended|deactivated|expired|closed) (mail ?box|account|user|recipient)
            (konto|postfach).{0,30}(deaktiviert|gesperrt) / compte.{0,30}(d[ée]sactiv|suspendu)
            cuenta.{0,30}(desactivada|deshabilitada|suspendida)
            (ящик|пользовател|аккаунт).{0,30}(заблокирован|отключ|удал) / (账号|帐号|账户|邮箱).{0,8}(禁用|冻结|停用)
            アカウント.{0,20}(停止|無効) / معطل
            """
        ),
    ),
    (
        "relay-or-dns",
        _any_of(
            r"""
            relay(ing)? (access )?(denied|not|prohibited) / rcpthosts / unable to relay / not permitted to relay
            (host|domain)( or domain name| name)?( was)? (could )?not( be)? (found|resolv) / name service error
            connection (refused|timed? ?out|dropped|lost|reset) / operation timed out / network is unreachable
            no route to host / unknown host / host unknown / could not find a gateway / could ?n.t connect
            (unable|failed) to connect / could not connect / retry (timeout|time not) / (mail|message) loop
            loops back / too many hops / hop count / lookup (failed|failure) / dns (error|failure|query)
            delivery time expired / did not respond / not responding / establish an smtp connection / no response from
            """
        ),
    ),
    (
        "content-refused",
        _any_of(
            r"""
            \bvirus / malware / infected / phish / attachment / banned (file|content) / (message|mail) content
            content (filter|reject|refus|restrict|policy) / suspicious (url|link) / вирус / 病毒 / ウイルス
            """
        ),
    ),
    (
        "policy",
        _any_of(
            r"""
            \bspam / unsolicited / \bjunk\b / polic(y|ies)\b / \bdmarc\b / \bspf\b / \bdkim\b / black.?list
            block.?list / \bblocked\b / \brbl\b / dnsbl / \bzen\b / barracuda / reputation / \bbann?ed\b / authenticat
            not authori[sz]ed / unauthori[sz]ed / access (denied|prohibited) / administrative(ly)? prohib
            (?<!not )\blisted (at|in|on|by)\b / bulk (e?mail|mail) / abus(e|ive) / restricted / not allowed
            permission / refused by / not accept(ing|ed)? (mail|messages|connections) from / security (reason|measure)
            prohibited / white.?list / quarantin / dt:spm / liste noire / lista negra / no deseado / ind[ée]sirable
            sperrliste / 拒绝 / 拒否 / спам / запрещ / чёрн / черн(ый|ом) спис / 垃圾 / 拒收 / 黑名单 / 迷惑メール
            スパム / richtlinie / politique de s / pol[ií]tica / السياسة / مزعج
            """
        ),
    ),
    (
        "address-dead",
        _any_of(
            r"""
            (user|recipient|address|addressee|mailbox)\W+(\w+\W+){0,3}(is |was )?(unknown|not found|not known)
            (account|local part|alias)\W+(\w+\W+){0,3}(is |was )?(unknown|not found|not known)
            unknown (user|recipient|address|local|mailbox|account|alias|addressee)
            no such (user|mailbox|recipient|account|address|person|domain|local)
            (does ?n.?t|do(es)? not|did not) exist / not exist\b / doesn.t have an? .{0,60}account
            no (mailbox|account|valid recipient|user) (here|by|with|for)
            invalid (recipient|mailbox|address|user|final)
            (recipient|address|user|mailbox) (is )?(invalid|rejected|unavailable) / not our customer
            mailbox unavailable / not a valid (mailbox|user|recipient|address) / unrouteable / undeliverable address
            no longer (available|valid|in use|exists?|on|with) / (couldn.t|wasn.t|could not|was not|cannot) (be )?found
            not (a )?(known|recogni[sz]ed) / unknown or illegal / pas [ée]t[ée] trouv / no encontrad / no fue encontrad
            onbekend / nie istnieje / nieznan / finns inte / bulunamad / غير صحيح / غير صالح / nosuchuser / nxdomain
            bad destination (mailbox|address) / not listed in / unbekannt / existiert nicht / nicht gefunden
            inconnue?\b / n.existe pas / introuvable / no existe / desconocid / no se encontr / não existe
            desconhecid / non esiste / sconosciut / inesistente / bestaat niet / не найден / не существует / нет такого
            неизвест / недействит / 存在しま / 存在しな / 見つかりません / 宛先不明 / ユーザ.{0,6}不明 / 不存在
            不正确 / 查无此 / 無此 / 无此 / 找不到 / غير موجود / لا يوجد / غير معروف
            """
        ),
    ),
    (
        "temporary",
        _any_of(
            r"""
            temporar(y|ily) (deferred|failure|unavailable|error|rejected|problem|lookup) / try again later
            please (retry|try) / (временн|tempor[äa]r|vorübergehend|temporal|temporair) / 暂时 / 一時的 / مؤقت
            """
        ),
    ),
)
"""What servers say when they refuse, in the order in which it is looked for."""

BOUNCE_SUBJECTS = _any_of(
    r"""
    undeliver(able|ed) / delivery (status notification|failure|has failed|problem) / mail delivery / failure notice
    returned (mail|to sender) / non[- ]?delivery / could not be delivered / message delayed
    warning: (message|could not) / unzustellbar / nicht zugestellt / non remis / non distribu
    [ée]chec de (la )?(remise|distribution) / no (se ha podido entregar|se puede entregar|entregado) / entrega fallida
    недоставлен / не доставлен / не может быть доставлен / 系统退信 / 退信 / 无法送达 / 投递失败 / 配信不能
    配信できません / エラーメール / تعذر التسليم / فشل التسليم / mancata consegna / não entregue
    """
)
"""Subjects that mail systems give their reports."""

REPLY_SUBJECTS = _any_of(
    r"""
    out of (the )?office / auto(mat(ic|ed))?[- ]?(repl|respon) / vacation / \bon leave\b / away from / on holiday
    abwesen / automatische (antwort|r[üu]ck) / autom\. antwort / r[ée]ponse automatique / absen(ce|t)\b
    respuesta autom[áa]tica / fuera de (la )?oficina / автоответ / автоматическ / 自動(応答|返信|回覆) / 不在
    自动(回复|答复) / 休假 / (ال)?رد (ال)?تلقائي / خارج المكتب / risposta automatica / fuori (sede|ufficio)
    resposta autom[áa]tica / automatisch antwoord / afwezig
    """
)
"""Subjects of what programs answer for somebody who is away."""

CHALLENGE_SUBJECTS = _any_of(
    r"""
    (confirm|verify|authenticate) (your|you|that you) / (confirmation|verification) (is )?(required|needed|request)
    sender verification / (requires|needs) (your )?(confirmation|verification) / challenge
    best[äa]tigung (ihrer|erforderlich) / anti-?spam
    """
)
"""Subjects of programs that want a sender to prove that he is one."""

COPIES = _any_of(
    r"""
    below (?:this line|the next line) is / this is a copy of / (?:the )?original (?:message|mail|headers)\b
    start of returned / (?:copy of )?returned (?:message|mail)\b / original message / message headers? follow
    return-path: / received: from / unsent message below / included (?:below )?is (?:the|a) (?:copy|message)
    ursprüngliche nachricht / message d'origine / mensaje original / исходное сообщение / текст сообщения / 原始邮件
    原メール / 元のメール / الرسالة الأصلية
    """
)
"""What stands over the message that a report returns."""

WAITS = _any_of(
    r"""
    still (being )?(trying|tried|retr) / will (continue|keep|be retried|retry|try again|attempt)
    continue (to try|trying) / not yet been delivered / has not been delivered (after|yet)
    you do not need to (resend|re-send) / no action is required on your / could not send message for past
    (message|been|was|is) delayed / (wird|werden) weiter / noch nicht zugestellt / encore (tent|essay)
    seguir[áa] intentando / попытк\w* .{0,20}(будут|продолж) / повтор\w* попыт / 再送 / 继续尝试 / 繼續嘗試 / سيستمر
    """
)
"""How a mail system says that it goes on trying."""

UNSUBSCRIBES = frozenset(
    word.casefold()
    for line in (
        "unsubscribe / unsubscribe me / please unsubscribe / please unsubscribe me / opt out / opt-out / remove me",
        "abmelden / abmeldung / abbestellen / abbestellung / newsletter abbestellen / bitte abmelden / austragen",
        "désabonner / désabonnement / se désabonner / désinscription / se désinscrire / désinscrire / me désabonner",
        "desabonner / desabonnement / desinscription / darse de baja / baja / dar de baja / cancelar suscripción",
        "cancelar suscripcion / desuscribir / desuscribirme / cancelar inscrição / descadastrar / remover",
        "disiscrizione / disiscrivimi / cancellami / annulla iscrizione / afmelden / uitschrijven / avregistrera",
        "отписаться / отписка / отпишите меня / wypisz / wypisz mnie / 配信停止 / 登録解除 / 購読解除 / 解除",
        "退订 / 退訂 / 取消订阅 / 取消訂閱 / إلغاء الاشتراك / الغاء الاشتراك / إلغاء",
    )
    for word in line.split(" / ")
)
"""What readers write who want no more, as a whole line."""

SUBJECT_LINES = _any_of(
    "subject / betreff / objet / asunto / oggetto / assunto / onderwerp / тема / 件名 / 主题 / 主題 / الموضوع"
)
"""What stands before the subject of the message that a report is about."""
