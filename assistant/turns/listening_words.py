"""What people say while they listen, as tables: words by kind, and the rules by which they make a phrase.

`phrase_rules` says how a rule is read. Some rules have a place for any word: "that's so ...", 真…啊. There the frame
tells what it is, and only words that ask or complain are kept out of it.
"""

from __future__ import annotations

from huiyin.assistant.turns.phrase_rules import Rule
from huiyin.services.common.text import HAN

# -- hesitation, laughter, exclamation: these answer nothing

_SOUNDS_EN = (
    "u+h+|u+m+|e+r+m*|e+h+|h+m+|m+|a+h+|o+h+|o+o+h+|a+w+|a*(?:ha+)+h?|(?:he){2,}h?|heh+|hee|(?:ho){2,}|ho|huh|tsk"
    "|meh|yay|whee|eek|brr+|hooray|hurray|woo|woo ?hoo|yahoo|ahem|pff+t?|oops|ouch|phew|ugh|yikes|wo+w+|whoa+"
    "|woah|lol|gosh|gee|jeez|damn|man|oh man|dear god|dear lord|dear me|jesus|christ|oh my|my goodness"
    "|goodness me|goodness|good heavens|good lord|oh my god|my god|omg|oh dear|oh no|oh boy|well|you know|i mean"
    "|let me see"
)
_SOUND_ZH = "[恩唔呣切嗬哼哦噢喔啊呀哎唉诶欸咦哇嚯哟呦嘿嘻呵哈嘶啧噗呃额厄嗷呜耶]"
_SOUNDS_ZH = (
    "哇塞|哇噻|我的天|天哪|天呐|天啊|老天|老天爷|妈呀|我的妈|我去|我靠|卧槽|好家伙|哦吼|噢耶|哟呵|苍天|哎哟喂|乖乖"
    "|怎么说呢"
)
EXCLAMATIONS: tuple[Rule, ...] = (
    (_SOUNDS_EN,),
    (_SOUND_ZH,),
    (_SOUNDS_ZH,),
    ("oh", "my", "?goodness|gosh|god|word"),
    ("holy", "cow|moly|smoke|smokes|crap|shit"),
)

# -- assent, understanding, surprise, approval

_PHRASES_EN = (
    "u+h huh|m+ h+m+|mhm+|uhhuh|mmhmm|mmhm|yes|yeah|yea|yep|yup|aye|ok|okay|o k|okey dokey|kay|sure|sure thing"
    "|right|right you are|fine|alright|all right|of course|certainly|surely|exactly|precisely|absolutely"
    "|definitely|totally|completely|indeed|naturally|obviously|clearly|truly|really|seriously|literally"
    "|apparently|for sure|no way|no doubt|no kidding|no problem|no worries|you bet|by all means|quite so|fair"
    "|fair enough|true|true enough|true that|too true|amen|hear hear|same|same here|me too|agreed|noted|roger"
    "|copy that|gotcha|got it|got you|got that|understood|makes sense|sounds good|sounds great|sounds nice"
    "|sounds lovely|sounds right|good point|good call|good idea|good one|nice one|good job|good to know|well done"
    "|well said|well put|very well|bravo|is that so|is that right|you don't say|you're right|you are right"
    "|that explains it|that explains a lot|so that's why|that's why|that's it|who knew|who would have thought"
    "|tell me about it|imagine that|fancy that|bless|shame|pity|too bad|too funny|too good|too cute|uh oh"
    "|get out of here|what the heck|what the hell|all good|thanks|thank you|thank you so much|cheers|love it"
    "|love that|like it|go on|go ahead|keep going|carry on|continue|keep talking|keep reading|do continue"
    "|don't stop|please don't stop|more|tell me more|encore|maybe|perhaps|possibly|probably|could be|might be"
    "|who knows|if you say so|whatever|not sure|i'm sure|i'm not sure|thank you very much|much appreciated"
    "|i appreciate it|i wonder|please continue|please go on|do go on|and then|then what|what then"
    "|there (?:you|we) go|here we go|right on|and|so"
)
_I_LISTEN = (
    "see|see that|see what you mean|see your point|got it|get it|get that|got you|know|know that|know right"
    "|know what you mean|knew it|knew that|understand|understand that|agree|agree with that|agree with you|bet"
    "|guess|guess so|suppose|suppose so|think so|thought so|thought as much|believe it|believe so|believe that"
    "|hope so|hear you|follow|remember|remember that|can imagine|can imagine that|can see that|can see why"
    "|can tell|can't believe it|can't believe that|could tell|couldn't agree more|love it|love that|love this"
    "|like it|like that|like this|didn't know|didn't know that|did not know that|had no idea|never knew"
    "|never knew that|was wondering|feel you|feel that|think that's right"
)
_GOOD = (
    "good|great|nice|fine|cool|lovely|sweet|neat|awesome|excellent|brilliant|perfect|super|superb|splendid"
    "|fantastic|terrific|epic|magic|magical|tragic|dramatic|romantic|classic|unreal|wild|crazy|insane|mad|weird"
    "|strange|odd|scary|spooky|creepy|eerie|sad|funny|cute|pretty|clever|smart|wise|brave|kind|true|right|correct"
    "|fair|deep|huge|bad|awful|terrible|horrible|horrid|rough|tough|hard|harsh|cruel|unfair|rare|news to me|news"
    "|fun|impressive|impressed|creative|lucky|unlucky|unfortunate|fortunate|sick|dope|lit|legendary|genius"
    "|bonkers|bananas|nuts|ironic|heroic|beyond words|something|quite something|really something|a surprise"
    "|a pity|a shame|a relief|a good point|a good idea|a good question"
)
# What the shape of a word tells: "hilarious", "delightful", "unbelievable", "fascinating".
_GOOD_BY_SHAPE = (
    "(?!careful|handful|spoonful)[a-z]{3,}ful|(?!previous|serious|famous|various|continuous)[a-z]{3,}ous"
    "|(?:un|in)[a-z]{3,}[ai]ble|(?:ador|remark|admir|memor|enjoy|lov|not|favour|favor|horr|terr)[ai]?ble"
    "|[a-z]{2,}tastic|[a-z]+licious"
    "|(?:interest|amaz|fascinat|intrigu|astonish|astound|stunn|surpris|shock|terrify|frighten|excit|thrill|disgust|touch|mov|charm|heartbreak|heartwarm|breathtak|depress|inspir|relax|sooth|captivat|entertain|encourag|reassur|sicken|tempt|mindblow)ing"
)
_ANY_GOOD = f"{_GOOD}|{_GOOD_BY_SHAPE}"
_ASKS_OR_COMPLAINS = (
    "not|wrong|plenty|false|mistake|lie|error|problem|bug|incorrect|enough|all|it|he|she|me|him|her|us|them|mine"
    "|yours|why|what|when|where|who|how|which|loud|fast|slow|long|short|quiet|boring|annoying|confusing|unclear"
    "|nonsense|rubbish|bullshit|stupid|many|much|far|old|tall|big|high|come|often|about|do|does|did|are|is|was"
    "|were|can|could|would|should|will|to|large|wide|heavy|soon|late|early|rude|unhelpful|useless|impossible"
    "|tomorrow|today|tonight|monday|tuesday|wednesday|thursday|friday|saturday|sunday|next|last|another|my|your"
    "|our|their|the"
)
_ANY_EN = rf"(?!(?:{_ASKS_OR_COMPLAINS})(?![a-z']))[a-z']{{3,}}"
_THAT_IS = (
    "that's|thats|that is|that was|that sounds|that must be|that must have been|this is|it's|its|it is|it was"
    "|it sounds|sounds|you're|he's|she's"
)
_VERY = (
    "so|very|really|quite|pretty|rather|just|absolutely|truly|totally|such|super|too|a bit|a little|incredibly"
    "|very very|so so|oh so|kind of|kinda"
)
_DID = "is|isn't|was|wasn't|are|aren't|were|weren't|did|didn't|does|doesn't|do|has|hasn't|have|had|can|could|will|would"
_THEY = "he|she|it|they|that|there"

_ZH = (
    "没错|明白|知道|晓得|懂|了解|理解|收到|清楚|听懂|记住|记下|看来|同意|赞成|赞同|同感|原来如此|原来是这样"
    "|原来这样|原来是这么回事|是这么回事|原来|怪不得|难怪|有道理|有理|有意思|也是|也对|那是|那倒是|那倒也是"
    "|倒也是|可不|可不是|就是|就是说|就是这样|是这样|这样|这样子|那样|真的|真的假的|是吗|不会吧|不是吧|不至于吧"
    "|怎么可能|还有这种事|有这种事|还能这样|居然|竟然|果然|当真|想必|应该|应该是|我就说|我就知道|太对|想来也是"
    "|我想也是|我猜也是|得嘞|妥|绝|佩服|活该|长见识|也行|也好|没想到|想不到|真没想到|真想不到|谁知道|谁想得到"
    "|谁能想到|天知道|难以置信|不敢相信|真不敢相信|信|我服|哭|泪目|鸡皮疙瘩|起鸡皮疙瘩|大概|说不定|不一定|可能"
    "|可能是|也许|的确如此|确实如此|啊这|额这|呃这|能理解|可以理解|麻烦|那行|那好|那当然|ok|继续|继续说|继续讲"
    "|接着说|接着讲|往下说|往下讲|你接着说|你接着讲|你往下说|说下去|讲下去|说吧|讲吧|请说|请讲|请继续|你说|你讲"
    "|你继续|我在听|在听|听着呢|我听着呢|然后呢|后来呢|接下来呢|再然后呢|然后|谢谢|谢谢你|多谢|辛苦|笑死|笑死我"
    "|吓死我|吓我一跳|吓我一大跳|急死我|气死我|羡慕死|开眼|长知识|涨知识|学到|受教|服|那个|这个|这个嘛|有点意思"
    "|真好|太好|很好|挺好|好好|还好|蛮好|我也是|我也觉得|我也这么觉得|我也这么想|我也是这么想的|可怜的人"
    "|可怜的孩子|为他难过|替他高兴"
)
_ASSENT_ZH = "嗯|对|好|行|是|可以|确实|的确|当然|当然了|没问题|成|要得|不错|可不|必须|肯定|一定|绝对"
_I_ZH = "我|我也|我能|我很|我完全|我都|这我|这个我|嗯我|哦我"
_I_LISTEN_ZH = (
    "知道|明白|懂|懂你|理解你|了解|理解|同意|赞成|赞同|清楚|这么想|这么觉得|这么认为|是这么想的|是这么觉得|这样想"
    "|这样觉得|记得|看出来|听懂|喜欢|猜到|想象|信|相信"
)
_ENDS_ZH = "的|呀|啊|吧|哦|噢|喔|嘞|滴|哒|咧|嘛|哈|耶|哎|诶|哟|吶|呐|呢|了|啦|的呀|的啊|了呀|了啊|得"
_GOOD_ZH = (
    "有意思|有趣|好玩|好听|好看|有道理|厉害|棒|美|酷|帅|赞|妙|绝|牛|牛逼|神|神奇|奇妙|奇怪|精彩|漂亮|浪漫|感人"
    "|感动|暖心|温馨|温暖|可爱|可怜|可怕|可惜|可悲|惨|悲惨|悲伤|难过|伤心|心疼|心酸|吓人|恐怖|惊人|惊险|刺激|震撼"
    "|离谱|夸张|搞笑|好笑|逗|幽默|聪明|勇敢|伟大|善良|坚强|孤独|寂寞|凄凉|遗憾|倒霉|幸运|幸福|开心|高兴|意外|巧"
    "|险|难得|了不起|不可思议|不容易|不简单|不错|给力|高级|完美|优秀|出色|壮观|迷人|动人|诡异|玄|悬|值|香|甜|美好"
    "|美妙|美丽|绝妙|糟糕|难受|难|糟|过分|气人|辛苦|强|狠|爽|伤感|孤单|冷清|舒服|热闹|亲切|真实|生动|形象"
    "|有画面感|有味道|过瘾|痛快|带劲|带感|热血|励志|治愈|扎心|虐心|虐|甜蜜|尴尬|无奈|心寒|心碎|失落|紧张|阴森"
    "|魔幻|奇葩|霸气|大气|豪华|得劲"
)
_VERY_ZH = "真|真是|真的|太|好|多|多么|这么|那么|挺|蛮|很|怪|够|超|超级|特别|非常|也太|还挺|还真|真心|确实|有点"
# Frames for any word of one to three characters; one that asks or complains is kept out of them.
_ASKS_OR_COMPLAINS_ZH = (
    "[快慢长短吵响多少久远轻重不没是要想会能像烦乱假臭]|大声|小声|难听|无聊|啰嗦|麻烦|复杂|有点|什么|怎么"
)
_ANY_ZH = rf"(?!{_ASKS_OR_COMPLAINS_ZH})[{HAN}]{{1,3}}?"

PHRASES: tuple[Rule, ...] = (
    (_PHRASES_EN, "?then|indeed"),
    ("that|it|this", "?all|totally|really", "makes sense|make sense|helps|explains it|explains a lot|figures|works"),
    ("i", "?totally|completely|fully|really|just|do|too|also|think", _I_LISTEN, "?now|too|already|right"),
    ("i'm|im|i am", "listening|all ears|with you|here|following|impressed|amazed|shocked|speechless|glad"),
    ("?" + _THAT_IS, "?" + _VERY, _ANY_GOOD, "?indeed|actually|then|of (?:him|her|you|them)|man|story|stuff"),
    ("that's|thats|that is|that was", "?" + _VERY, _ANY_EN),
    ("that's|thats|that is|that was", "a|an|quite a|such a", f"{_ANY_GOOD}|{_ANY_EN}", "?[a-z]{3,}"),
    ("it|that|he|she|they", "?must|must have|must've|may|might|could", "be|been|sounds|sound|looks|seems", _ANY_EN),
    ("must be|must have been|sounds|looks|seems|sounds like", f"{_ANY_GOOD}|{_ANY_EN}"),
    ("good for|lucky|bless|poor", "you|him|her|them|man|girl|guy|thing|things|boy|woman|one|soul"),
    ("poor|nice and", _ANY_EN),
    ("you're|you must be|you've got to be|are you", "kidding|joking", "?me"),
    ("?that's", "not bad", "?at all"),
    ("thanks", "a lot|for that|so much"),
    ("?and|then", "what happened", "?next|then"),
    ("i'm sure", "it|that|he|she|they", _DID),
    ("very|so very", _ANY_EN),
    ("how", "?very|truly", f"{_ANY_GOOD}|{_ANY_EN}"),
    ("what a|what an", "?" + _ANY_GOOD, _ANY_EN),
    ("?so|oh", _DID, _THEY),
    (_THEY, _DID),
    (_ZH, "?" + _ENDS_ZH),
    (_ASSENT_ZH, "?的|呀|啊|吧|哦|噢|喽|咯|呐|嘞|滴|哒|咧|嘛|哈|耶|是|的呀|的啊|的吧"),
    (_I_ZH, _I_LISTEN_ZH, "?" + _ENDS_ZH),
    ("?" + _VERY_ZH, _GOOD_ZH, "?" + _ENDS_ZH),
    ("?你|他|这", "说得|说的|讲得|讲的", "?真|太|很|挺|也|都|真是", f"好|对|是|没错|{_GOOD_ZH}", "?" + _ENDS_ZH),
    ("?真|真是|真是个|是个|确实是个|这是个|这是", "好", "故事|主意|想法|问题|办法|地方|消息|结局", "?" + _ENDS_ZH),
    ("故事|这故事|这个故事|结局", "?" + _VERY_ZH, f"好|{_GOOD_ZH}", "?" + _ENDS_ZH),
    ("好", "大|高|远|多|深|久|亮|黑"),
    ("真|这么|那么", "多|远|久|大", "?年|人|天", "啊|呀|哦"),
    ("真|真是|多么|这么|那么", _ANY_ZH, "啊|呀|哦|呐|哪|的啊|了吧"),
    ("好", _ANY_ZH, "啊|呀|哦|耶|诶|哟|喔"),
    ("挺|蛮|怪|够|还挺", _ANY_ZH, "的|的呀|的啊|的嘛"),
)  # fmt: skip
