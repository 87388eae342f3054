"""Everyday sentences for benchmarks.tts_roundtrip: 40 in each language and 40 in both, with numbers."""

ENGLISH = """\
Could you repeat that, please?
Please turn off the lights before you leave the room.
It is going to rain tomorrow, so take an umbrella.
I would like to book a table for 3 people.
The weather was lovely all through the summer.
The train to London leaves at 9:30 in the morning.
We walked along the river until it was dark.
My sister has been a teacher for 12 years.
That coat costs $45, which is more than I can pay.
Can you tell me where the nearest station is?
I usually drink two cups of coffee before work.
The museum is closed on Mondays and opens at 10 on other days.
He finished the book in a single evening.
Nearly 60% of the students passed the test.
Let me think about it and call you back.
The children are playing in the garden.
She moved to the city in 2015 and never came back.
There are 24 hours in a day.
Would you mind opening the window?
I forgot my keys on the kitchen table.
The meeting has been moved to the 3rd of May.
You should drink more water when it is hot.
This road is about 150 miles long.
The doctor told him to rest for a week.
What time does the shop close tonight?
They built the house with their own hands.
My grandmother will be 80 next month.
The cat sleeps on the sofa all day long.
We have enough food for 5 more days.
He speaks three languages and plays the piano.
Turn left at the bank and walk for 200 meters.
I have never seen such a beautiful place.
The film starts at 8 and lasts for two hours.
Thank you for helping me with my homework.
The water in the lake is very cold.
Our flight was late because of the snow.
She bought 6 apples and a loaf of bread.
It takes 20 minutes to walk to the office.
Nobody knows what will happen next.
Please send me the report before Friday.
""".splitlines()

CHINESE = """\
今天天气怎么样？
我们应该保护环境，节约用水。
老师让我们把作业写完再出去玩。
你可以给我讲一个有趣的故事吗？
人工智能正在改变我们的生活方式。
这件衣服打八折，一共是326元。
明天下午3点我们在学校门口见面。
他每天早上都去公园跑步。
请把窗户关上，外面很冷。
我的电话号码是13800138000。
这本书我已经看了一半。
从这里到火车站大约需要20分钟。
她在北京工作了五年。
今年公司的收入增长了15%。
晚饭我想吃面条。
妈妈做的菜非常好吃。
2024年我们搬到了新的房子。
你能帮我查一下明天的天气吗？
他昨天晚上没有睡好。
超市里的苹果一斤8元。
孩子们在院子里踢足球。
医生说他需要多休息。
这条路有150公里长。
我们坐飞机去上海旅游。
请问附近有没有医院？
弟弟今年上小学二年级。
会议改到5月3日上午举行。
我忘了带钥匙，进不了门。
冬天的时候，北方常常下雪。
他会说三种语言，还会弹钢琴。
这个城市有八百万人口。
吃完饭以后我们去散步吧。
图书馆每天早上9点开门。
谢谢你帮助我学习中文。
她买了6个苹果和一个面包。
电影八点开始，大概两个小时。
我觉得这个问题很有意思。
爷爷喜欢在树下喝茶。
水果对身体很有好处。
请在星期五之前把报告发给我。
""".splitlines()

MIXED = """\
我用 iPhone 拍了很多照片。
他在 Google 工作了3年。
我想喝一杯 coffee。
这个 app 很好用。
你会用 Python 写程序吗？
我们明天用 Zoom 开会。
请把文件发到我的 email。
今天晚上有一个 party。
她喜欢听 jazz 音乐。
我的 laptop 坏了。
你看过这个 video 吗？
这家 hotel 的价格是300元。
我们的 project 下周开始。
他每天都去 gym 锻炼。
这个 game 很好玩。
周末我们去 shopping 吧。
我买了一台新的 computer。
老板让我做一个 report。
他的 team 有5个人。
这首 song 是谁唱的？
我在 Amazon 上买了2本书。
请打开 window 看一看。
我们用 Wi-Fi 上网。
她的 dream 是当医生。
你的 password 是什么？
明天有一个重要的 meeting。
我刚刚收到一条 message。
这个 design 非常漂亮。
今天是我的 birthday。
他是一个很好的 teacher。
我想学习 machine learning。
这个 website 打不开。
请给我一杯 water。
我们去 Starbucks 见面吧。
他喜欢看 basketball 比赛。
这个 idea 很不错。
我的 phone 没有电了。
她在 New York 住了10年。
请帮我订一张 ticket。
Good morning，今天过得怎么样？
""".splitlines()
