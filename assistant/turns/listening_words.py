"""What people say while they listen, as tables: words by kind, and the rules by which they make a phrase.

`phrase_rules` says how a rule is read. What follows "that's so" or 真 must value what is heard ("lovely", 可怜, of
`evaluating_words`): any other word states, asks or complains, and the user is answered.
"""

from __future__ import annotations

from huiyin.assistant.turns.evaluating_words import (
    DEGREES_EN,
    FEELINGS_EN,
    PITIED_EN,
    SIZES_ZH,
    THINGS_EN,
    VALUED_EN,
    VALUES_EN,
    VALUES_ZH,
)
from huiyin.assistant.turns.phrase_rules import Rule

# -- hesitation, laughter, exclamation: these answer nothing

_SOUNDS_EN = (
    "u+h+|u+m+|e+r+m*|e+h+|h+m+|m+|a+h+|o+h+|o+o+h+|a+w+|a*(?:ha+)+h?|(?:he){2,}h?|heh+|hee|(?:ho){2,}|ho|huh|tsk"
    "|meh|yay|whee|eek|brr+|hooray|hurray|woo|woo ?hoo|yahoo|ahem|pff+t?|oops|ouch|phew|ugh|yikes|wo+w+|whoa+"
    "|woah|lol|gosh|gee|jeez|damn|man|oh man|dear god|dear lord|dear me|jesus|christ|oh my|my goodness"
    "|goodness me|goodness|good heavens|good heavens above|heavens|good lord|oh my god|my god|omg|oh dear|oh no"
    "|oh boy|well"
    "|you know|i mean|let me see"
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
    "|get out of here|could be worse|well i never|for real|no joke|what the heck|what the hell|all good|thanks"
    "|thank you"
    "|thank you so much|cheers|love it|love that|like it|go on|go ahead|keep going|carry on|continue|keep talking"
    "|keep reading|do continue"
    "|don't stop|please don't stop|more|tell me more|encore|maybe|perhaps|possibly|probably|could be|might be"
    "|who knows|if you say so|whatever|not sure|i'm sure|i'm not sure|thank you very much|much appreciated"
    "|i appreciate it|i wonder|please continue|please go on|do go on|and then|then what|what then"
    "|there (?:you|we) go|here we go|right on|and|so|go on please"
)
_I_LISTEN = (
    "see|see that|see what you mean|see what you're saying|figured|figured as much|figured that|see your point"
    "|got it|get it"
    "|get that|got you|know|know that|know right"
    "|know what you mean|knew it|knew that|understand|understand that|agree|agree with that|agree with you|bet"
    "|guess|guess so|suppose|suppose so|think so|thought so|thought as much|believe it|believe so|believe that"
    "|hope so|hear you|follow|remember|remember that|can imagine|can imagine that|can see that|can see why"
    "|can tell|can't believe it|can't believe that|could tell|couldn't agree more|love it|love that|love this"
    "|like it|like that|like this|didn't know|didn't know that|did not know that|had no idea|never knew"
    "|never knew that|was wondering|feel you|feel that|think that's right"
)
_ANY_GOOD = f"{VALUES_EN}|{DEGREES_EN}"
_THAT_IS = (
    "that's|thats|that is|that was|that sounds|that must be|that must have been|this is|it's|its|it is|it was"
    "|it sounds|sounds|he's|she's"
)
_VERY = (
    "so|very|really|quite|pretty|rather|just|absolutely|truly|totally|such|super|too|a bit|a little|incredibly"
    "|very very|so so|oh so|kind of|kinda|really very|really so|really quite|really rather"
    "|just so|just really|so very|so really"
)
_DID = "is|isn't|was|wasn't|are|aren't|were|weren't|did|didn't|does|doesn't|do|has|hasn't|have|had|can|could|will|would"
_THEY = "he|she|it|they|that|there"
_A = "a|an|such a|such an|quite a|quite an"
_REMARKS = f"{THINGS_EN}|question|point|fact|detail|choice"
_PRAISES_YOU = "funny|kind|sweet|great|amazing|awesome|lovely|good|brilliant|clever|wise|cute|hilarious|the best"
_LIKENED_TO = "fun|heaven|hell|a dream|a nightmare|a fairy tale|a movie|a film|him|her|them"

_ZH = (
    "没错|明白|知道|晓得|懂|了解|理解|收到|清楚|听懂|记住|记下|看来|同意|赞成|赞同|同感|原来是这么回事"
    "|是这么回事|原来|怪不得|难怪|有道理|有理|有意思|也是|也对|那是|那倒是|那倒也是|倒也是|可不|就是|果然"
    "|想必|应该|应该是|我就说|我就知道|太对|想来也是|我想也是|我猜也是|得嘞|妥|绝|佩服|活该|长见识|也行|也好"
    "|没想到|想不到|真没想到|真想不到|天知道|难以置信|不敢相信|真不敢相信|信|我服|哭|泪目|鸡皮疙瘩|起鸡皮疙瘩"
    "|大概|说不定|不一定|可能|可能是|也许|的确如此|确实如此|啊这|额这|呃这|能理解|可以理解|那行|那好|那当然"
    "|ok|我在听|在听|笑死|笑死我|吓死我|吓我一跳|吓我一大跳|急死我|气死我|羡慕死|开眼|长知识|涨知识|学到"
    "|受教|服|有点意思|真好|太好|很好|挺好|好好|还好|蛮好|我也是|我也觉得|我也这么觉得|我也这么想"
    "|我也是这么想的|可怜的人|可怜的孩子|为他难过|替他高兴|听说过|听过|有这回事"
)
_GO_ON_ZH = (
    "继续|继续说|继续讲|接着说|接着讲|往下说|往下讲|你接着说|你接着讲|你往下说|你继续|你继续说|你继续讲|你说|你讲|说|讲"
    "|说下去|讲下去|请说|请讲|请继续|请接着说"
)
_THUS_ZH = "?哦|噢|啊", "这样|这样子|那样|是这样|是这样子|就是这样|原来是这样|原来这样|原来如此"
_THANKS_ZH = "谢谢|谢谢你|多谢|辛苦|辛苦你"
# These listen even with a question mark.
_ASTONISHED_ZH = (
    "真的|真的假的|不会吧|不是吧|不能吧|不可能吧|不至于吧|怎么可能|有这种事|还有这种事|有这回事|还能这样|居然|竟然|当真"
    "|谁知道|谁想得到|谁能想到|可不是|是这样啊|这样啊|原来如此|原来是这样|原来这样"
)
_AND_THEN_ZH = (
    "然后|然后呢|后来呢|接下来呢|接着呢|再然后呢|再后来呢|是吗|是么|是嘛|真的吗|真的么|谁知道呢|可不是吗|可不是么"
)
_ASTONISHED_EN = (
    "really|seriously|truly|literally|is that so|is that right|for real|yeah|yea|no way|no kidding|no joke|right"
    "|indeed|you don't say|and|and then|and then what|then what|what then|who knew|who knows|who would have thought"
    "|would you believe it|can you believe it|can you believe that|you know|what the heck|what the hell|imagine that"
    "|fancy that|are you serious|get out of here|huh"
)
_ASSENT_ZH = "嗯|对|好|行|是|可以|确实|的确|当然|当然了|没问题|成|要得|不错|可不|必须|肯定|一定|绝对"
_I_ZH = "我|我也|我能|我很|我完全|我都|这我|这个我|嗯我|哦我"
_I_LISTEN_ZH = (
    "知道|明白|懂|懂你|理解你|了解|理解|同意|赞成|赞同|清楚|这么想|这么觉得|这么认为|是这么想的|是这么觉得|这样想"
    "|这样觉得|记得|看出来|听懂|喜欢|猜到|想象|信|相信|记下|记住|听说过|听说了|听过|见过"
)
_ENDS_ZH = "的|呀|啊|吧|哦|噢|喔|嘞|滴|哒|咧|嘛|哈|耶|哎|诶|哟|呐|了|啦|的呀|的啊|了呀|了啊|得"
_VERY_ZH = (
    "真|真是|真的|真的是|真的太|真的好|真的很|太|太太|好|好不|多么|这么|那么|挺|蛮|很|怪|够|真够|超|超级|特别"
    "|非常|十分|极其"
    "|也太|可太|可真|还挺|还蛮|还真|真心|确实|有点|简直|简直太|那太|那真|那也太|真是太|让人|真让人|实在|实在太"
    "|实在是太|是挺|是真|是真的|确实很|确实挺"
)
_THINGS_ZH = (
    "故事|人|人生|一生|事|事情|地方|风景|景色|画面|结局|经历|爱情|小岛|孩子|姑娘|小伙子|老人|想法|主意|消息|礼物"
)
_IT_ZH = "这|那|他|她|它|听起来|听着|听上去|感觉|人家"

# What listeners ask: no answer is wanted.
ECHO_QUESTIONS: tuple[Rule, ...] = (
    (_ASTONISHED_EN,),
    ("oh|ah|o+h+|wow|hm+|m+", _DID, _THEY),
    ("oh|ah|o+h+|wow|hm+|m+", _THEY, _DID),
    ("?and|then", "what happened", "next|then|after that"),
    ("and|then", "what happened"),
    ("you're|you must be|you've got to be|you gotta be|are you", "kidding|joking", "?me"),
    ("how", "cool|great|nice|sad|crazy|awesome|amazing|funny|weird|sweet|lovely|wild|insane", "is that"),
    (_ASTONISHED_ZH, "?啊|呀|哦|嘛|呐|哪|的呀|的啊"),
    (_AND_THEN_ZH, "?啊|呀"),
    ("?" + _IT_ZH, "太|也太|可太|真的太", VALUES_ZH, "了吧"),
)
# What else they say.
PHRASES: tuple[Rule, ...] = (
    (_PHRASES_EN, "?then|indeed"),
    ("that|it|this", "?all|totally|really", "makes sense|make sense|makes a lot of sense|makes perfect sense|helps"
     "|explains it|explains a lot|figures|works"),
    ("i", "?totally|completely|fully|really|just|do|too|also|think", _I_LISTEN, "?now|too|already|right"),
    ("i'm|im|i am", "listening|all ears|with you|here|following|impressed|amazed|shocked|speechless|glad"),
    ("?" + _THAT_IS, "?" + _VERY, _ANY_GOOD, "?indeed|actually|then|of (?:him|her|you|them)|man|story|stuff"),
    ("?" + _THAT_IS, _A, VALUED_EN),
    ("?" + _THAT_IS, _A, "?" + _VERY, _ANY_GOOD, _REMARKS),
    ("that's|that was|that is|it's", "such a|such an|quite a|quite an|quite the|some", THINGS_EN),
    ("you're|you are", "?" + _VERY, _PRAISES_YOU),
    ("it|that|he|she|they", "must|must have", "be|been|feel|felt", "?" + _VERY, f"{_ANY_GOOD}|{FEELINGS_EN}"),
    ("he|she|they", "sounds|sound|seems|seem|looks|look", "?" + _VERY, f"{_ANY_GOOD}|{FEELINGS_EN}"),
    ("it|that|this", "sounds|seems|looks", "?" + _VERY, _ANY_GOOD),
    ("must be|must have been|looks|seems", "?" + _VERY, _ANY_GOOD),
    ("?it|that", "sounds like|must be like|seems like", _LIKENED_TO),
    ("good for|lucky|bless", PITIED_EN),
    ("?the|that|those|this|what a", "poor", "?old|little|young", PITIED_EN),
    ("poor", "?old|little|young", THINGS_EN),
    ("?that's", "not bad", "?at all"),
    ("thanks", "a lot|for that|so much"),
    ("i'm sure", "it|that|he|she|they", _DID),
    ("so|very|so very", VALUES_EN),
    ("how", "?very|truly|absolutely|utterly", VALUES_EN, "?of (?:him|her|you|them)"),
    ("what", _ANY_GOOD, "news|luck|fun|times|people|things|words|weather"),
    ("what a|what an", "?" + _VERY, "?" + _ANY_GOOD, THINGS_EN),
    ("so", _DID, _THEY),
    (_THEY, _DID),
    (_ZH, "?" + _ENDS_ZH),
    (_GO_ON_ZH, "?吧|啊|呀|嘛|哈"),
    (*_THUS_ZH, "?的|啊|呀|哦|噢|喔|嘛|哈|的啊|的呀"),
    (_THANKS_ZH, "?啊|呀|啦|了|哈|哦"),
    ("那个|这个", "?嘛"),
    ("听着|我听着|我在听着|难怪|怪不得", "呢"),
    ("?原来", "就|是|就是|是这么|是这样", "一回事|这么一回事|这么回事|这样一回事", "?" + _ENDS_ZH),
    (_ASSENT_ZH, "?的|呀|啊|吧|哦|噢|喽|咯|呐|嘞|滴|哒|咧|嘛|哈|耶|是|的呀|的啊|的吧"),
    (_I_ZH, _I_LISTEN_ZH, "?" + _ENDS_ZH),
    ("?" + _IT_ZH, "?" + _VERY_ZH, VALUES_ZH, "?" + _ENDS_ZH),
    (VALUES_ZH, "极|死|爆|透|呆", "了", "?啊|呀|吧"),
    ("好|妙|美", "极", "了"),
    ("?真是|好|真|多|多么|挺|很", "?" + _VERY_ZH, f"好|{VALUES_ZH}", "的", "?一个|一段", _THINGS_ZH, "?" + _ENDS_ZH),
    ("多|多么", VALUES_ZH, "啊|呀|哦|哪|呐|呢"),
    ("?你|他|这", "说得|说的|讲得|讲的", "?真|太|很|挺|也|都|真是", f"好|对|是|没错|{VALUES_ZH}", "?" + _ENDS_ZH),
    ("?真|真是|真是个|是个|确实是个|这是个|这是", "好", "故事|主意|想法|问题|办法|地方|消息|结局", "?" + _ENDS_ZH),
    ("故事|这故事|这个故事|结局", "?" + _VERY_ZH, f"好|{VALUES_ZH}", "?" + _ENDS_ZH),
    ("好", SIZES_ZH, "?啊|呀|哦|哇"),
    ("真|这么|那么", "多|远|久|大", "?年|人|天", "啊|呀|哦"),
)  # fmt: skip
