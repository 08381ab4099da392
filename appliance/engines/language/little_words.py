"""The little words of the languages most met in offices: what search leaves out, and what tells a language.

Written for this project from general knowledge of the languages; no other list was copied. Words are folded (no accents, lower case),
as the analyzer compares them. A language that is not here is searched with all its words.
"""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


LITTLE_WORDS: dict[str, frozenset[str]] = {
    "en": _words(
        """a an the and or but nor if then else so than as of in on at by for with about against between into through during
        before after above below to from up down out off over under again further once here there all any both each few more
        most other some such no not only own same too very s t re ve ll d m can will just don should now am is are was were be
        been being have has had having do does did doing would could ought i me my we our ours you your yours he him his she her
        hers it its they them their theirs this that these those until while because cannot shall may might must also us
        upon within without per via among amongst whether either neither"""
    ),
    "fr": _words(
        """a ai aie aient aies ait alors as au aucun aucune aussi autre autres aux avaient avais avait avant avec avez avoir avons
        ayant c car ce ceci cela celle celles celui ces cet cette ceux chez comme d dans de depuis des donc dont du elle elles
        en entre es est et etaient etais etait etant etc ete etes etions etre eu eue eut eux fait faire font furent fus fut ici il
        ils j je jusqu jusque l la le les leur leurs lorsque lui m ma mais me meme memes mes moi mon n ne ni nos notre nous on ont
        ou par parce pas peut peuvent plus pour puis puisque qu que s sa sans se sera serait seront ses si soi soient sois soit
        sommes son sont sous suis sur t ta te tes toi ton tous tout toute toutes tres tu un une vers vos votre vous y afin ainsi
        apres lors donc doit doivent"""
    ),
    "de": _words(
        """aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim bin bis bist da damit dann
        das dass daß dein deine dem den denn der des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein eine
        einem einen einer eines er es etwas euch euer fur gegen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen
        ihr ihre ihrem ihren ihrer im in indem ins ist ja jede jedem jeden jeder jedes jene kann kein keine keinem keinen konnen
        konnte man manche mein meine mich mir mit muss mussen nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem
        seinen seiner seit sich sie sind so soll sollen solche sondern um und uns unser unter vom von vor wahrend war waren weil
        weiter wenn werde werden wird wo wollen worden wurde wurden zu zum zur zwar zwischen"""
    ),
    "es": _words(
        """a al algo algunas algunos ante antes aquel aquella asi aun aunque cada como con contra cual cuando de del desde donde
        dos durante e el ella ellas ellos en entre era eran es esa esas ese eso esos esta estaba estado estan estar estas este
        esto estos fue fueron ha habia han hasta hay la las le les lo los mas me mi mientras mis mismo mucho muchos muy nada ni no
        nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues que quien se sea ser si sido sin
        sobre solo son su sus tambien tan tanto te tenia tiene tienen todo todos tu tus un una uno unos usted y ya yo"""
    ),
    "it": _words(
        """a ad agli ai al alla alle allo altri altro anche ancora avere aveva c che chi ci come con contro cosi cui da dagli dai dal
        dalla dalle dallo degli dei del dell della delle dello di dopo dove e ed era erano essere fino fra gli ha hanno ho i il in
        io l la le lei li lo loro lui ma mi mia mio molto ne negli nei nel nella nelle nello no noi non nostro o ogni per pero piu
        po poi prima puo qua quale quali qualche quando quanto quella quelle quelli quello questa queste questi questo qui se sei
        si sia sono sopra sotto stata stato su sua sue sugli sui sul sulla sulle sullo suo suoi tra tutti tutto un una uno
        vi"""
    ),
    "pt": _words(
        """a ao aos aquela aquele as ate ainda cada com como da das de dela dele deles depois do dos e ela elas ele eles em entre era
        eram essa esse esta estao estar estas este estes eu foi foram ha isso isto ja la lhe mais mas me mesmo meu minha muito na
        nao nas nem no nos nossa nosso num numa o onde os ou para pela pelas pelo pelos por porque qual quando que quem se seja sem
        ser seu seus sido so sobre sua suas tambem tao tem ter teu todo todos tua um uma umas uns voce"""
    ),
    "nl": _words(
        """aan al alle alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een eens en er ge geen
        haar had hadden heb hebben heeft hem het hier hij hoe hun ik in is ja je kan kon kunnen maar me meer men met mij mijn moet
        na naar niet niets nog nu of om omdat ons onze ook op over te tegen toch toen tot u uit uw van veel voor want waren was wat
        we wel werd wezen wie wij wil worden wordt zal ze zei zelf zich zij zijn zo zonder zou"""
    ),
}

QUESTION_WORDS: dict[str, frozenset[str]] = {
    "en": _words("what which who whom whose when where why how many much did does tell please explain"),
    "fr": _words(
        """quel quelle quels quelles qui quoi quand ou comment combien pourquoi lequel laquelle lesquels lesquelles auquel auxquels
        duquel desquels est-ce veuillez svp stp"""
    ),
    "de": _words("was wer wen wem wessen wann wo warum wie wieso welche welcher welches welchen wieviel bitte"),
    "es": _words("que cual cuales quien quienes cuando donde como cuanto cuanta cuantos cuantas"),
    "it": _words("che chi quale quali quando dove come perche quanto quanta quanti quante cosa"),
    "pt": _words("que qual quais quem quando onde como porque quanto quanta quantos quantas"),
    "nl": _words("wat wie wanneer waar waarom hoe welk welke hoeveel"),
}
"""Words that ask: left out of questions only, for in a passage they may carry a meaning."""

INSTRUCTION_WORDS: dict[str, frozenset[str]] = {
    "en": _words(
        """please round rounded answer answers question questions calculate respond response relying rely explain state assume
        perspective adopting judgments address decimal places"""
    ),
    "fr": _words(
        """veuillez svp stp merci repondre reponse repondez question arrondir arrondissez arrondi calculer calculez expliquez
        precisez indiquez supposez decimales"""
    ),
}
"""How to answer, not what is asked: left out of questions of more than one sentence."""
