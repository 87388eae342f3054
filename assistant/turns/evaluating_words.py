"""Words by which a listener values what they hear: "lovely", "a pity", 有意思, 感人.

A word that could as well state a fact or ask for one ("hot", "expired", 疼) is not among them: it takes the turn.
"""

from __future__ import annotations

VALUES_EN = (
    "great|nice|fine|cool|lovely|sweet|neat|awesome|excellent|brilliant|perfect|super|superb|splendid|fantastic"
    "|terrific|epic|magic|magical|tragic|dramatic|romantic|classic|unreal|wild|crazy|insane|mad|weird|strange|odd"
    "|bizarre|peculiar|curious|scary|spooky|creepy|eerie|sad|funny|cute|pretty|clever|wise|brave|kind|true|awful"
    "|terrible|horrible|horrid|horrific|horrendous|dreadful|cruel|unfair|fun|impressive|creative|lucky|unlucky"
    "|unfortunate|fortunate|dope|lit|legendary|bonkers|bananas|ironic|heroic|poetic|fabulous|marvelous|marvellous"
    "|wonderful|beautiful|delightful|graceful|peaceful|joyful|hopeful|thoughtful|tasteful|colorful|colourful|playful"
    "|cheerful|powerful|painful|frightful|insightful|blissful|heavenly|divine|hilarious|gorgeous|glorious|mysterious"
    "|hideous|outrageous|courageous|generous|gracious|humorous|delicious|tremendous|stupendous|wondrous|monstrous"
    "|scandalous|ingenious|atrocious|luxurious|precious|incredible|unbelievable|inconceivable|unforgettable"
    "|unimaginable|unthinkable|unspeakable|incomparable|inexplicable|adorable|remarkable|admirable|memorable"
    "|enjoyable|lovable|notable|interesting|amazing|fascinating|intriguing|astonishing|astounding|stunning|surprising"
    "|shocking|terrifying|frightening|exciting|thrilling|disgusting|touching|moving|charming|heartbreaking"
    "|heartwarming|breathtaking|depressing|inspiring|relaxing|soothing|captivating|entertaining|encouraging"
    "|reassuring|sickening|tempting|mindblowing|mind blowing|horrifying|chilling|haunting|gripping|dazzling"
    "|devastating|bewildering|refreshing|uplifting|satisfying|unsettling|outstanding|enchanting|enlightening"
    "|exhausting|extraordinary|phenomenal|spectacular|sensational|exceptional|magnificent|majestic|elegant|exquisite"
    "|enchanted|surreal|ghastly|gruesome|grim|bleak|gloomy|lonely|lonesome|sorrowful|melancholy|pitiful|homely|cosy"
    "|cozy|idyllic|picturesque|tranquil|serene|mighty|noble|gallant|fearless|witty|hysterical|comical|quirky|quaint"
    "|whimsical|adventurous|uncanny|ominous|sinister|wicked|vile|barbaric|inhumane|heartless|gross|nasty|tasty|yummy"
    "|cheeky|fancy|fab|rad|sublime|priceless|genius|awe inspiring|thought provoking|bittersweet|nostalgic|sentimental"
    "|emotional|delicate|radiant"
)
# Degrees, too: "how deep" asks for one, and so these do not follow "how" or "what a".
DEGREES_EN = (
    "good|bad|smart|deep|huge|rough|tough|hard|harsh|rare|sick|fair|right|correct|nuts|news|news to me|impressed"
    "|beyond words|something|quite something|really something|so much|a lot|quite a lot|about right|too much to take"
)
VALUED_EN = (
    "surprise|pity|shame|relief|wonder|miracle|tragedy|disaster|catastrophe|nightmare|coincidence|treat|delight"
    "|masterpiece|marvel|legend|hero|heroine|genius|dream|blessing|triumph|twist|bummer|pleasure|joy"
)
THINGS_EN = (
    f"{VALUED_EN}|story|tale|idea|thought|way to go|way to live|way to die|thing|thing to do|thing to say|place|view"
    "|sight|scene|picture|image|world|land|island|village|town|house|home|sea|storm|night|day|morning|evening|time"
    "|life|death|fate|ending|end|beginning|journey|trip|adventure|discovery|invention|achievement|man|woman|person"
    "|guy|girl|boy|kid|child|baby|fellow|couple|friend|family|mother|father|king|queen|prince|princess|villain"
    "|creature|character|animal|dog|cat|bird|love story|song|poem|joke|gift|gesture|feeling|experience|moment|start"
    "|job|plan|combination|touch|memory|mystery|secret"
)
FEELINGS_EN = (
    "happy|proud|relieved|thrilled|excited|delighted|overjoyed|ecstatic|scared|frightened|terrified|afraid|petrified"
    "|horrified|shocked|stunned|surprised|amazed|astonished|heartbroken|devastated|crushed|furious|angry|jealous"
    "|worried|nervous|anxious|desperate|exhausted|tired|miserable|disappointed|embarrassed|ashamed|confused|bored"
    "|hungry|thirsty|starving|freezing|cold|brave|lonely|sad|upset|grateful|loved"
)
PITIED_EN = (
    "you|him|her|them|man|girl|guy|thing|things|boy|woman|one|ones|soul|souls|kid|kids|child|children|baby|creature"
    "|creatures|fellow|chap|lad|lass|dog|cat|bird|animal|animals|people|mother|father|king|queen|family|bastard|devil"
    "|darling|dear"
)

VALUES_ZH = (
    "有意思|有趣|好玩|好听|好看|有道理|厉害|棒|美|酷|帅|赞|妙|绝|牛|牛逼|神|神奇|奇妙|奇怪|精彩|漂亮|浪漫|感人"
    "|感动|暖|暖心|温馨|温暖|可爱|可怜|可怕|可惜|可悲|可恶|惨|悲惨|悲伤|悲|难过|伤心|心疼|心酸|吓人|恐怖|惊人|惊险"
    "|刺激|震撼|离谱|夸张|搞笑|好笑|逗|幽默|聪明|机智|勇敢|伟大|善良|坚强|坚定|执着|孤独|孤单|孤寂|寂寞|凄凉|凄惨"
    "|凄美|苍凉|荒凉|悲凉|遗憾|倒霉|幸运|幸福|开心|高兴|意外|巧|险|难得|难忘|了不起|不可思议|不容易|容易|不简单|不错"
    "|不幸|给力|高级|完美|优秀|出色|壮观|壮美|迷人|动人|诡异|玄|悬|值|值得|香|甜|美好|美妙|美丽|美味|绝妙|糟糕|难"
    "|糟|过分|气人|辛苦|强|狠|爽|伤感|冷清|舒服|热闹|亲切|真实|生动|形象|有画面感|有味道|有才|有爱|有心|过瘾|痛快"
    "|带劲|带感|热血|励志|治愈|扎心|虐心|虐|甜蜜|尴尬|无奈|心寒|心碎|失落|紧张|阴森|魔幻|梦幻|奇葩|霸气|大气|豪华"
    "|得劲|惊艳|惊喜|惊悚|惊奇|神秘|稀奇|新奇|新鲜|古怪|残忍|残酷|无情|委屈|悲壮|壮烈|伤人|暖人|贴心|细心|用心|体贴"
    "|温柔|慈祥|深情|痴情|真诚|诚恳|大方|潇洒|精致|优雅|高贵|宁静|安宁|惬意|自在|奢侈|艰难|艰辛|危险|不值|傻|萌|坏"
    "|善|仗义|讲究|老实|天真|单纯|感慨|感激|羡慕|佩服|期待|向往|怀念|震惊|绝望|崩溃"
)
# After 好, 真 and 这么 only: 好大啊, 这么多人啊.
SIZES_ZH = "大|高|远|多|深|久|亮|黑"
