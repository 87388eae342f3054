"""Everyday English words, which are not misheard names.

Words that occur often in "Pride and Prejudice" or in the manuals of Vim and Python, and everyday things, without
their regular endings.
"""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=20_000)
def is_common(word: str) -> bool:
    """Whether `word`, with or without a regular ending (-s, -ed, -ing ...), is an everyday word."""
    plain = word.lower().replace("'", "").replace("\u2019", "")
    return plain in _COMMON or any(stem in _COMMON for stem in _stems(plain))


def _stems(word: str) -> list[str]:
    stems = []
    for ending in ("s", "es", "ed", "ing", "er", "est", "ly"):
        stem = word[: -len(ending)]
        if len(stem) >= 2 and word.endswith(ending):
            stems += [stem, stem + "e", stem[:-1] if stem[-1] == stem[-2] else stem]
            stems.append(stem[:-1] + "y" if stem.endswith("i") else stem)
    return stems


_WORDS = """
a aa abandon abbreviate abbreviation ability able abode abominable abort about above abs absence absolute abstract
abundantly abuse academic academy accented accept acceptable acceptance access accessible accident accidentally
accompanied accomplished according account accuracy accurate accuse acid acknowledge acquaintance acquire across act
action activate activation active activity actor actress actual acute ad adaptive add addition additional address
adjacent adjust administration admiration admire admitted adobe adult advance advantage adventure advertising advice
advisable advise ae affability affair affect affection affectionate affix affront afraid after afterwards ag again
against age agency agent agnostic ago agree agreeable agreeably agreement agriculture ah ahead ahi aid air airport
alacrity alarm album aleph alert algorithm alias align alignment alive all allocate allocation allow allowance almost
alone along aloud alpha alphabet alphabetic alphabetical alphanumeric already also alter alteration alternate
alternative although altogether always am amateur amazing amazon ambiguity ambiguous amends amiable among amongst
amount amuse amusement an anaconda analysis anchor and android anger angle angry angular animal annotate annotation
annoying annual anonymous another ansi answer ant anxiety anxious any anybody anymore anyone anything anyway anywhere
apart apartment apologise apology app apparently appear appearance append apple applicable application applied
apprehension approach appropriate approved approximation april arbitrary arc arch architecture archive are area arent
argument arise arithmetic ark arm army arose around arrangement array arrival arrive arrow art article artist as ascii
ashamed aside ask asp aspect assembly assert assessment assign assignment assistance assistant associated association
assume assurance assure astonished astonishment astral asynchronous at atom atomic atop attach attachment attack
attempt attend attention attentive attorney attribute audience audio audit august aunt auth authentication author
authority auto autoload automatic automatically autumn avail availability available avenue average avoid avowal aw
await award aware away awk awkward ax axel aye azure ba baby back background backslash backspace backup backward bacon
bad badge bag bail bake balance ball balloon banana band bang bank banner bar bare barrier base baseball bash basic
basically basis basket basketball bat batch bath battery battle bay bcc be beach beam bear beat beautiful beauty became
because become bed bedrock bedroom beef been beep before beg began begin behalf behave behavior behaviour behind belief
believe bell belong below benchmark bender beneath benefit besides best bestow bet beta between beyond bi bias bicycle
bid bidi big bike bill billion bin binary bind bird birth birthday bisect bit bite bitmap bitwise black blame blank
blind blink blob block blog blood blow blowfish blue bo board boast boat body bogus boil bold bomb bone bonus book
bookmark boot bootstrap border bore born boss bot both bottle bottom bounce bound boundary bow bowl box boy brace
bracket brain branch brand brave bread break breakfast breast bred breeding breve brick bridge brief bring broadcast
broken broom brother brought brown browse brush bubble bucket budget buff bug build built bull bullet bump bunch bureau
burn bury bus bush business busy but button buyer buying buzz by bye byte cable cache cadaver cage cake cal calculate
calendar call callable callback calm cam came camera camp campaign campus can cancel cancellation cancer candidate
candle candy cannot canonic canonical cant canvas cap capability capable capacity cape capital caprice captain capture
car card care careful carriage carry cart case cash cast cat catalog catch category cattle caught cause caution
cautious cedilla ceil cell censure cent central centre century ceremony certain certainty certificate chain chair
chairman chaise challenge chance change channel chapter char character charge charlotte charm chase chat cheap check
checkable checkout checkpoint checksum cheek cheer cheerful cheerfulness cheese chemical chess chest chew chicken chief
child children chill chin chip choice choke choose chop chose chosen chrome chunk church cipher circle circular
circumflex circumstance cirrus city civil civility claim clamp clang clap class classic classical classifier clause
claw clay clean cleanup clear clergyman clever click client cliff climb clinic clip clipboard clock clone close closure
clothes clothing cloud club clumsy cluster coach coal coast coat code codec coefficient coerce coffee coherence coin
col cold collapse collar collate collation colleague collect collection collector college colon colonel color colour
column com comb combination combine come comedy comfort comfortable comm comma command commendation comment commerce
commercial commission commit committee common communicate communication community comp compact companion company
comparative compare comparison compassion compatibility compatible competition compilation compile complacency complain
complaisance complete completion complex complexion compliance compliant complicated compliment component composedly
composure compound comprehend comprehensive compress compression compressor computation compute con concatenate
concatenation conceal conceit concept concern concert conclusion concrete concurrent condescension condition
conditional conduct conference confess confidence configurable configuration configure confirm confirmation conflict
conform confused confusing confusion congratulate congress conjecture connect connection conscience consecutive consent
consequence consequently conservation consider considerable consideration consist consistency consistent consolation
console constant constraint construct construction constructor consume contact contain contemplation contempt content
context contiguous continuation continue continuous contract contrary contribute contribution contributor control
convenience convenient convention conversation conversing conversion convert convey conviction convince cooked cookie
cool cooper coordinate cope copper copy copyright core corn corporate corporation correct correction correlation
correspond correspondence corrupt cos cost couch cough could couldnt council count countenance country county couple
courage courier course court cousin covariance covariant cover coverage cow crack cram crash crawl crazy cream create
creation creative creature credit creek creep crew crime criminal crisp criteria critical crop cross crowd crown cruel
cruelty cruncher cry crypt crystal cuba cube cultural culture cumulative cup cur cure curiosity curl currency current
cursor curtain curve custom customization customize cut cute cutoff cycle da dad daemon daemonic damage dan dance
danger dangling dare dark dart dash dat data database dataset date daughter daw day daylight dead deaf deal dear death
debt debug december decide decidedly decimal decision deck declaration declare deco decode decompress decompression
decompressor decorator decrease decrement deep deer def default defect defend defense deference deficient define
definition deflated degree del delay delete deletion deliberation delicacy delicate delight delightful delimit delivery
delta demand demo den denial denominator deny department depend dependence dependency dependent deploy deployment
deprecation depth dereference describe description descriptor deserve design desirable desire desirous desk desktop
despite destination destroy detach detail detect detection detector determine detest develop development deviation
device devoted dialect dialog diamond dice dictionary did didnt diet diff difference different difficult difficulty dig
digit digital digraph dine dinner direct direction directive director directory dirt dirty dis disable disadvantage
disagreeable disallow disappear disappointed disappointing disappointment disapprobation disassemble disassembly
discard disclaimer disconcerted discord discount discouraged discourse discover discovery discretion discuss discussion
disdain disease disguise disgust dish disk dislike dispatch display displeasure disposed disposition dissatisfied
distance distant distinct distinction distinguish distress distribute distribution district dit div dive diversion
divide division do doc dock doctor document documentation doesnt dog doit doll dollar domain donate donation done
donkey dont door dot double doubt down download downstream downward dozen draft drag drain drama draw drawn dreadful
dream dress drew drink drip drive driven drop drove drug drum drunk dry duck due dull dumb dummy dump duplex duplicate
duration during dust duty dwelling dwelt dying dyn dynamic dynamically each eager eagerness eagle early earnest earth
ease easiness east eastern easy eat echo economic economy ecosystem edge edit editable edition editor educated
education educational effect effective efficient effort egg eight eighteen eighty either el elbow elder eldest election
electric elegance elegant element elevator eleven eligible elixir ellipsis else elsewhere em email embed emir emit
emoji employed employee employment empty emulate emulation emulator en enable enclosed encode encourage encouragement
encrypt encryption end endeavour endian endless endpoint energy enforce engage engagement engine engineering engrossed
enjoy enjoyment enough ensure entail enter enterprise entertain entertainment entire entity entrance entreat entry
enumerate enumeration envelope environ environment environmental epilog epoch equal equality equipment equivalence
equivalent er erase err error escape especially essential est established establishment estate esteem estimate
estimation etc euphoria euro evaluate evaluation even event ever every everybody everyone everything everywhere
evidence evident evil ex exact examination examine example exceedingly excel excellent except exception excessively
exchange excited exclamation exclude exclusive excuse exec executable execute execution executive exercise exhausted
exist existence existent exit expand expansion expat expect expectation expense expensive experience experimental
expert explain explanation explicit explore exponent export expose express expression extend extension extent extern
external extra extract extraction extraordinary extreme exuberant eye fa face facility fact factor factory faculty fade
fail failure fair faith fake fall fallback false familiar family famous fan fancy fantasy far farm farther fashion fast
fat fatal father fault favor favorite favour favourable favourite fax fear feat feather feature february federal fedora
fee feedback feel feet felicity fellow felt female fence festival fetch fever few fiction field fifteen fifth fifty
fight figure file filename fill film filter final finalize financial find fine finish finite fire firm first fish fist
fit fitness five fix flag flake flaky flame flap flash flask flat flatten flattering flavor flavour flesh flexible
flicker flight flip float flood floor flour flow flush fly focus fog fold folk follow fond font food fool foolish foot
football for forbearance force forecast foreground foreign forever forge forget forgive forgotten fork form formal
format fort forth fortnight fortunate fortune forty forum forward found foundation four fourteen fourth fraction
fragment frame framework frank franklin free freedom freeze frequency frequent fresh friday fridge friend friendship
frightened fritz frog from front frost frozen fruit fry fuel full fully fun function functional functionality fund
funny fur furnish furniture further furthermore fury future fuzz fuzzy gain gallantry gallery gambling game gamma gap
garage garbage garden garlic gas gate gauss gave gay gear gen gender gene general generate generation generator generic
generous gentleman gentlemen geometry german get ghost gi giant gif gift girl git give given glad glance glass glob
global glove glue gnat gnome gnu go goal goat gold golden golf gone good google goose got governess government grab
gracefully grade gradually graduate grain grammar grand grandeur grant grape graph graphic grass grateful gratifying
gratitude grave gravity gray great greedy green greeting grep grew grey grid grin grip ground group grove grow grown
growth guarantee guard guess guest gui guide guido guilt guitar gum guy gym ha hack had hadnt haiku hair half halfway
hall hammer hand handle handshake handsome handy hang happen happiness happy hard hardware harm harmonic harness hash
hasnt haste hasty hat hate have havent hawk hay haystack he head headphones headset headstrong health healthy heap hear
heard heart heartily heat heavy heel height heightened held hello helo help helpful hen hence her here herself
heuristic hex hexadecimal hey hi hidden hide hierarchy high highlight hike hill him himself hint hip hiragana hire hist
historical history hit ho hold hole holiday holland home homepage honey honour honourable hook hop hope hopefully
hopeless horizontal horn horse hospital hospitality host hot hotel hour house household how however hub hue hug huge
human humble humility humour hundred hunt hurry hurst hurt husband hut hydra hyper hyphen hypothesis i ice icon id idea
ideal idem ident identical identify identity idiot idle if ignorant ignore ill illegal im image imaginary imagine
immediate immutable imp impact impartial impatience impatient impertinence impertinent implement implementation
implicit implied import importance important impossible improve improvement imprudence imprudent in inactive incapable
inch inclination inclined include inclusion inclusive income incompatibility incompatible incomplete inconsistent
inconvenience incorrect increase incredible increment incremental incumbent indeed indent indentation independence
independent index indicate indication indicator indices indifference indifferent indignation indirectly individual
inducement industrial industry inefficient inexact inference inferiority inferred infinite infinity influence info
inform information informational informative inherit inheritable inheritance initial initialization initialize initiate
inject injured injury injustice inn input inquire inquiry insensibility insensitive insert insertion inside insist
insolent inspect inspection inspired install installation instance instant instantiate instantiation instead institute
instruct instruction instrument insufficient insupportable insurance integer integral integrated integration intel
intelligence intelligent intend intention intentionally inter interact interaction interactive intercept intercourse
interested interesting interface interfere interference interleave intermediate internal international internet
interpolation interpret interrupt interruption interval interview intimacy intimate into intro introduce introduction
introspection invalid invalidate invalidation invariant inverse invert investment invisible invitation invited inviting
invocation invoke involved iron is island isnt iso isolation issue ist it italic itch item iterate iteration itself ive
jack jail jam january jar java jaw jazz jealous jet jewel jewelry job jog johnson join joint joke jolly jones journal
journey joy jpeg judge judgement juice juicy july jump jun june jungle junior junk just justice justify ka kanji
katakana kbyte keen keep kent kept kernel kettle key keyboard keypad keyword kick kid kill kind kindness king kingdom
kit kitchen kitty knee kneel knew knife knit knock knot know knowledge known koi la lab label labor lack lady ladyship
laid lake lamb lambda lamp lan land lane language lap laptop large laser last late latex latter laugh launch law lawyer
layer layout lazy lead leadership leaf leak lean leap learn learnt least leather leave lech led lee left leftmost
leftover leg legacy legal leisure lemon lend length less lest let level lewis lex li liability liable lib liberty
library license lick lid life light lightweight like likewise limbo limit limitation line linear link linkage lint lip
lisp list listen literal literature little live lizard llama lo load loan local locale localized locate location
locator lock lodge log logarithm logic logical login logo logout lone long look lookup loop loose lord lose lost lot
lottery loud love low luggage lump lunch lung luxury ma mac machine machinery macro macron mad madam made mag magazine
magic magnitude maid mail mailbox main maintain maintenance major majority make male malformed mamma man manage
management mandatory manifest manipulate manipulation mantissa manual manufacturer many map mar marc march margin
marine mark markdown market markup marriage marry marshal mask mass master mat match material math mathematics
matrimony matrix mature maximum may maybe maze me mean meaningful meant measure meat mechanism media median medical
medicine medium meet melt member membership memo memory men mend mental mention menu mercenary merchant mercy merely
merge merit merry mess message met meta metadata metal meth method mi microphone microsecond mid middle might migration
mild mile military milk million mime mind mine minimal minimize minimum minister ministry minor mint minus minute
miscellaneous miserable misery misfortune mismatch misplaced miss mission misspelled mistake mistaken mistress
misunderstand mix mixture mm mnemonic mo mobile mock mod mode model modern modesty modifiable modification modify
module modulo modulus mom moment monday monetary money monitor monkey mono month mood moon more moreover morning morph
morrow mortification mortifying moss most mother motif motion motive motor mount mountain mouse move movement movie mu
much mud mug multicast multimedia multiple multiply multiprocessing mum museum music musical must mutable mutually my
myself na nail naked name nan nano nap narrow nasty nation national native natural nature navigate nay near nearby
necessary necessity neck need needle needless neg negate negative neglect neighbour neighbourhood neither nephew nerve
nervous nest net network neural never new newspaper next nice night nil nine nineteen ninety no noble nobody node noise
noisy none nonnegative nonsense nonzero noodle nor norm normal normalization normalize north northern nose not notation
note notebook notepad nothing notice notification notify notion novel novelty november now nth nu nuclear null number
numeral numerator numeric numerical nursing nut nutrition oak object objection objectionable oblige observation observe
obsolete obtain obvious occasion occasional occupied occur occurrence ocean octal octet october odd odious of off
offend office official offline offset often oh oil ok okay old ole om omit on once one onion online onto op opa open
operand operate operation operator opinion opportunity opposed opposite opt optimal optimization optimize option
optional or oracle oral orange order ordinal ordinary org organization orientation oriented origin original os other
otherwise ought our ourselves out outcome outdated outdoor outline output outside oven over overall overcome overflow
overhead overheard overlap overload override overrule overview overwrite owl own ownership ox pa pack package pad page
paid pain painful painting pair pale palm pan panel pant paper par paragraph parallel parameter pardon paren parent
parentheses parenthesis parish park parlour parse parsonage part partial partiality particular partition partner party
pascal pass passport password past paste pat patch patent path pathname patience patient patronage patroness pattern
pause paw pax pay payload payment pea peace peach peak pear pearl peek peer pen pending people pep per perceive percent
percentage perfect perform performance perhaps period perl perm permanently permission permissive permit persistence
persistent person personal persuade persuasion perverseness pet petticoat phaeton pharmacy phase philosophy phone photo
photography photon physical physics pi piano pianoforte pic pick pickle picture pie piece pig pile pill pillow pin
pinch pine ping pink pip pipe pipeline pit pity pixel pizza place placeholder plain plan plane planet plant plastic
plate platform play pleasant pleasantness please pleasure plug plural plus pm pocket pod poem poet point poison pole
police policy polish polite politeness political politics poll poly polygon pompous pond pooch pool poor pop pope
popular populate population porch pork porridge port portable portion position positional positive possess possession
possibility possible possibly post postfix postpone postscript pot potato potential pound pour pow powder powerful
practical practice praise pray pre precede precedence precise precision predefined predicate prefer preference
preferment prefix prejudice premium prepare prepend preprocessor prescription presence present presentation preserve
preset president press pressure pretend pretty prevent preview previous prick pride primary prime primitive prince
principal principle print printable prior priority privacy private prize pro probability probable probably problem
procedure proceed process processor produce product production prof profession professional professor profile profit
prog program progress project promise promote prompt pronounced proof prop propagate properly property proportion
proposal propriety prospect protect protection protested protesting protocol prototype proud prove provide proxy pseudo
pub public publication publish puddle puff pull pump punch punctually punctuation punishment puppy purchase pure purple
purpose push pushback put putty puzzle python pyx quadrille quake qualified quality quantity quantization quantize
quarrel quarter queen query quest question queue quick quickness quiet quit quite quota quotation quote rabbit race
rack racket radio radius rag rail rain rainy raise raku ramp ran rand random range rank rapidity rare rat rate rather
ratio rational rationale raw ray razor re reach react read readability readable readiness ready real reason reasonable
rebuild recall receive recent reception recipe recipient recognition recognize recollect recollection recommend
recommendation record recover recovery recreation recursion recursive red redefine redirect redirection redo redraw
redrawn reduce redundant ref refactor reference referred referring reflect reflection refresh refreshment refusal
refuse regard regardless regex regexp regimentals region regional register registration registry regression regret
regular regulation reinstall reject rejoice relate relation relationship relative release relevant reliable reliably
relief relieved religion religious reload rem remain remainder remap remark remarkable remarkably remember remote
removal remove rename render renewal rent rental reorder rep repair repeat repeatedly replace replacement repo report
repository represent representable representation reproach reproduce reproducible republic request require requirement
rescale rescue research resent resentment reserve reset resize resolution resolve resort resource respect respectable
respective respond response responsibility responsible rest restart restaurant restore restrict restriction result
resume ret retail retain retrieve retry return reusable reuse rev revenue reverse revert review revised revision rewind
rewrite rib ribbon rice rich rid riddle ride ridicule right rightmost ring ripe risc rise risk rite river road robe
robot rock rode role roll roof room root rope rose rot rotate rotten round route routine row royal rub ruby rude ruff
rug ruin rule run runtime rural rush rust sack sacrifice sad safe safety said sail saint sake sal salad sale salt same
sample sand sandbox sanitize sar sass sat satellite satisfaction satisfactory satisfy saturday sauce save saw say scale
scan scarcely scare scarf scene schedule schema scheme school science scientific scissors scope score scrape scratch
scream screen screenshot screw script scroll scruple sculpture sea seal search season seated sec second secondary
secret secretary sect section sector secure security see seek seem seen segment seldom select selection selector self
sell semantics semaphore semicolon senate send senior sense sensible sensitive sent sentence sentinel separate
separation separator seps september sequence sequential serial serialization serialize series serious servant serve
service session set setup seven seventeen seventy several severe sew sex shade shadow shake shall shallow shame shape
share sharp shave she shebang sheep sheet shelf shell shelter shift shin shine shiny ship shire shirt shocking shoe
shook shop shore short shortcut shorten shorthand shot should shouldnt shout shove shovel show shown shrink shut
shutdown shy si sick side sig sigh sight sigint sigma sign signal signature significant silence silent silk silly
silver similar simple simpleton simplify simply simulate simultaneously sin since sincere sing single sink sip sir
sister sit site situation six sixteen sixty size ski skill skin skip skirt sky slack slap slash slave sleep sleeve
slice slide slight slim slip slope slot slow small smart smash smell smile smoke smooth snack snail snake snapshot
sneeze sniff snow snowy so soak soap soccer social society sock socket sofa soft software soil sol soldier solely
solemn solemnity solicitude solid solitude solution solve some somebody somehow someone something sometimes somewhat
somewhere son song soon sore sorry sort sought soul sound soup sour source south southern space spam span spark sparse
spawn speak spec special specialized species specific specifically specification specify speculative speech speed spell
spend spent sphinx spice spicy spider spill spin spirit spit spite splash splint split spoil spoke spoken sponge
sponsor spoon sport spot spray spread spring spurious sql square squash squeeze stab stable stack staff stage stain
stair stamp stand standard standout star start stat state statement static statically station statistics status stay
steady steal steam steel stem step stereo stick sticky still sting stir stock stomach stone stood stool stop storage
store storm story stove straight strange strategy straw stray stream street strength stress stretch strict string strip
stroke strong struck structure stub stuck student studio study stuff stupid style sub subclass subdirectory subject
submenu subnormal subscript subscription subsequent subset substitute substitution subtract subtraction subtype subway
succeed success successful successor such suck sudden suffer sufficient suffix sugar suggest suggestion suit suitable
suite sum summarize summary sun sunday sung sunk sunny super superfluous superior superscript supper supply support
suppose suppress suppression sure surface surgery surprise surrogate surrounding survey suspected suspend suspicion
swap swapfile sweat sweep sweet sweetness swell swift swim swing switch sword symbol symbolic sync synchronization
synchronous synonym syntax system ta tab table tablet tabulate tag tail take taken talk tall tangent tap tape tar
target taro task taste tax taxi tea teacher teaching team tear teardown tease tech technical tee teen teeth telephone
television tell telnet temp temperature template temporary ten tender tennis tensor term terminal terminate terminator
terse test text than thank thankful that the theater theatre their them theme themselves then theory therapy there
therefore thesaurus these they theyll theyre theyve thick thief thin think third thirsty thirteen thirty this thither
thorough those though thought thousand thread threat three threshold threw throat throne through throw thrown thumb
thunder thursday thus ti ticket tickle tidy tie tiger tilde till tilt time timestamp tin tiny tip tire title to toast
today toe together toggle toilet token tokenize told tolerable tolerably tone tongue too took tool toolbar toolkit
tooltip tooth top topic topmost torch total touch tour tourism toward towel tower town tox toy trace track trade
trademark traditional traffic trail train tranquillity trans transcribe transcription transfer transform translate
translation transparent transport transportation trap travel traverse tray treasure treat treatment tree trial triangle
trick tricky trifle trigger trim trio trip triple triumph trivial trouble trousers truck true truncate trunk trust
truth try tube tuesday tune tup turkey turn turtle tutor tutorial twelve twenty twice twig twin twist twitter two type
typecast typescript typical typo ubuntu ugly ultimate ump unable unary unavailable unbound unchanged uncivil uncle
unclear uncommon uncompressed unconditionally unconsciously unconsumed uncovered undefined under underflow underline
underlying underscore understand understood undo undocumented undone undoubtedly uneasiness uneasy unexpected
unfinished unfortunately ungenerous unguarded unhappy unified uniform uninstall union unique unit universal university
unknown unless unlike unlink unlisted unload unlock unlucky unmatched unmodified unnamed unnecessary unnoticed unpack
unpleasant unpredictable unprintable unquote unreachable unreadable unreasonable unrecognized unrelated unreserved
unsafe unsaved unseen unset unsigned unspecified unsupported until unusable unused unusual unwanted unwilling unworthy
unwrap unzip up update upgrade upload upon upset upstream upward urban us usable usage use useful useless username
usual utility utmost utter vacant vacation vain valid validate validation valley valuable value van vanity variable
variance variant variety various vary vase vax vector vega vehicle veil vendor venture verbatim verbose verification
verify version vert vertical very vest vexation vexed via vice video view vile village vim violation violence violent
virtual virus visible vision visit visitor visual vocab vocabulary voice void volume voluntary vote vouch vulgar
vulnerability wage waist wait wake walk wall wander want war warm warmth warn warranty was wasnt waste watch water wave
wax way we weakness wear weather web website wed wednesday week weekday weekend weep weigh weight weird welcome well
were werent west western weve whale what whatever wheat wheel when whence whenever where whereas wherever whether which
while whip whisper whist whistle white who whole whom whose why wicked wide widget widow width wife wiki wild will win
wind window windy wine wing winter wipe wire wise wish wit with within without wolf woman women won wonder wonderful
wont wood wool word work workaround workflow workload workshop world worldwide worm worry worse worst worth would
wouldnt wow wrap wreath wright wrist writable write written wrong wrote xi xu yank yard yawn ye yeah year yell yellow
yesterday yet yi yield yo yoga you youll young your youre yourself youth youve ze zero zip zone zoom
"""
_COMMON = frozenset(_WORDS.split())
