"""The built-in labels of `about`: the words that speak for each, and sentences that mean it.

Words are written by hand, with a weight. Latin ones match whole, `*` stands for
any ending; Chinese ones match anywhere. A word that speaks for a label alone
weighs 3 or 4, one that says only what is to be made of something else weighs 1.
The sentences are for methods that compare meanings, and for labels of the user's own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    words: dict[float, str]  # weight → words with commas between them
    examples: tuple[str, ...]


NATURAL = "english, chinese, german, french, spanish, japanese, korean, russian, portuguese, italian"
CODED = (
    "go, rust, python, java, kotlin, typescript, javascript, swift, c, c++, c#, ruby, php, powershell, scala"
)

LABELS = {
    "debug": Label(
        {
            3: "debug*, bug, bugs, crash*, segfault*, stack trace, stacktrace, traceback, exception*, hangs, deadlock*,"
            "memory leak, leaks, leaking, broken, doesn t work, does not work, not working, doesn t start, stopped working,"
            "no longer works, won t start, fails, failing, failed, infinite loop, null pointer, oom, blank page,"
            "wrong result, wrong output, off by one, leak,"
            "报错, 崩溃, 闪退, 空指针, 调试, 死循环, 死锁, 卡死, 卡住, 出错, 泄漏, 白屏, 排查, 修复, 编译不过, 起不来,"
            "连不上, 打不开, 没反应, 不生效, 不工作, 怎么回事, 修一下",
            2: "error, errors, fix, wrong, undefined, timeout, 500, 404, refused, 异常, 错误, 失败, 无法, 定位, 空白, 超时,"
            "不对, 没有执行, 怎么解决, 日志",
            1: "why, unexpected*, regression, stuck, issue, find out, upgraded, 为什么, 原因",
        },
        (
            "Why does this throw an exception?",
            "The app crashes when I click save, find the cause",
            "This request returns the wrong result, please fix it",
            "The build fails with an error",
            "程序报错了，帮我找一下原因",
            "点击保存后应用崩溃，怎么解决",
            "这个接口返回的结果不对，修复一下",
            "构建失败了，看看是什么问题",
        ),
    ),
    "refactor": Label(
        {
            4: "refactor*, without changing behaviour, without changing behavior, 重构",
            3: "restructure, reorganize, reorganise, clean up, cleanup, simplify, split, extract, dedup*, duplicat*, rename,"
            "decouple, modular*, readable, readability, tidy, break up,"
            "拆分, 拆成, 拆开, 简化, 重命名, 改名, 抽取, 抽出, 抽成, 提取, 可读性, 解耦, 冗余, 功能不变, 代码结构",
            2: "move, get rid of, smaller, into smaller, reuse, 合并, 重复, 封装, 太乱, 嵌套, 改写, 优化一下代码",
            1: "convert, cleaner, nested, turn, 改成, 优化, 整理",
        },
        (
            "Clean up this class without changing what it does",
            "Split this long method into smaller functions",
            "Remove the duplication between these files",
            "Rename this variable everywhere",
            "在不改变功能的前提下整理这个类",
            "把这个很长的方法拆分成小函数",
            "去掉这几个文件里重复的代码",
            "把这个变量在所有地方重命名",
        ),
    ),
    "explain": Label(
        {
            3: "explain*, what does, how does, walk me through, difference between, what s the difference, purpose of,"
            "don t understand, do not understand, help me understand, overview, how do these, how it works, tell me about,"
            "解释, 讲解, 什么意思, 怎么工作, 如何工作, 原理, 区别, 干嘛, 干什么, 看不懂, 逐行, 什么是, 含义, 举个例子",
            2: "what is, what s, what are, how are, how is, where is, where are, where in, why do we, meaning, mean, means,"
            "understand, architecture, 是什么, 介绍, 作用, 为什么要, 在哪, 讲讲, 讲一下, 架构, 理解, 做的",
            1: "how, why, simple words, step by step, 流程, 怎么, 哪里, 有什么用",
        },
        (
            "What does this function do?",
            "Explain how this works, step by step",
            "What is the difference between these two approaches?",
            "Where is this value set?",
            "这个函数是做什么的？",
            "一步一步解释这是怎么工作的",
            "这两种做法有什么区别？",
            "这个值是在哪里设置的？",
        ),
    ),
    "tests": Label(
        {
            4: "unit test*, test case*, test suite, 单测, 单元测试, 测试用例, 覆盖率",
            3: "tests, testing, coverage, pytest, jest, junit, vitest, playwright, cypress, selenium, e2e, end to end test*,"
            "assertion*, mock, mocks, fixture*, tdd, property based, table driven, edge case*, 测试, 用例, 断言, 端到端, 压测, 测一下",
            2: "test, spec, specs, stub, cover, snapshot, 边界, 参数化, 模拟",
            1: "验证, fake, 异常分支",
        },
        (
            "Write unit tests for this class",
            "Add a test for the error case",
            "Increase the test coverage of this module",
            "Mock the database in this test",
            "给这个类写单元测试",
            "为出错的情况补一个测试",
            "提高这个模块的测试覆盖率",
            "在这个测试里模拟数据库",
        ),
    ),
    "docs": Label(
        {
            4: "readme, docstring*, changelog, jsdoc, javadoc, documentation, release notes, api docs, 文档, 更新日志, 变更日志",
            3: "document, docs, comments, comment, tutorial, guide, manual, wiki, openapi, 注释, 指南, 手册, 教程",
            2: "describe, instructions, swagger, cheat sheet, 说明, 文案",
        },
        (
            "Write documentation for this module",
            "Add comments that describe what each function does",
            "Update the README with the new options",
            "Write a guide for beginners",
            "给这个模块写文档",
            "加上注释，说明每个函数的用途",
            "在 README 里补充新的选项",
            "写一份入门指南",
        ),
    ),
    "review": Label(
        {
            4: "code review, review, pull request, 评审, 审查, 审核, 安全隐患",
            3: "reviewing, feedback, critique, look over, audit, thread safe, vulnerab*, bad practice*, best practice*,"
            "what could go wrong, what do you think, any problems, any issues, code smell*, "
            "漏洞, 线程安全, 合理吗, 有没有问题, 有什么问题, 不规范, 把关, 改进意见",
            2: "security, injection, risk*, pr, diff, opinion, performance issue*, performance problem*, improvements, is it safe,"
            "pitfalls, 隐患, 风险, 规范, 意见, 建议, 你觉得, 性能问题, 不要改, 注入",
            1: "is this, are there, check, problems, before i, 检查, 有没有, 会不会, 看看, 这样写, 吗",
        },
        (
            "Review this change and tell me what you would improve",
            "Are there security problems in this code?",
            "Is this approach a good idea?",
            "Look for mistakes, but do not edit anything",
            "评审这次改动，告诉我哪里可以改进",
            "这段代码有没有安全问题？",
            "这种做法合适吗？",
            "检查有没有疏漏，但不要修改",
        ),
    ),
    "translate": Label(
        {
            4: "translat*, localiz*, localis*, 翻译, 译成, 译为, 本地化, 国际化",
            3: ", ".join(
                f"{way} {name}"
                for name in NATURAL.split(", ")
                for way in ("to", "into", "in", "in simplified")
            )
            + ", i18n, 英文版, 中文版, 移植, "
            + ", ".join(f"{way} {name}" for name in CODED.split(", ") for way in ("to", "into")),
            2: "port, transpile, migrate, 英文, 中文, 英语, 日文, 日语, 法语, 德语, 韩语, 西班牙语, 迁移到, 转成, 转为, 代码转, 对照, "
            + ", ".join(f"in {name}" for name in CODED.split(", ")),
            1: f"convert, rewrite, version, {NATURAL}, 改成, 重写, 转, 用英",
        },
        (
            "Translate this text into English",
            "Convert this program from Python to Rust",
            "What is this sentence in German?",
            "Localize these messages",
            "把这段文字翻译成英文",
            "把这个程序从 Python 改写成 Rust",
            "这句话用德语怎么说？",
            "把这些提示信息本地化",
        ),
    ),
    "write_code": Label(
        {
            3: "implement*, 实现, 新增",
            2: "create, build, develop, scaffold, add support, support for, set up, i want a, i need a, we need a, new feature,"
            "添加, 加一个, 加个, 做一个, 做个, 开发, 创建, 增加, 我想要, 写一个, 写个, 写一条, 写一段, 搭建, 要支持",
            1.5: "write, add, make, generate, 配置, 支持, 生成",
            1: "写, 加, 用",
            0.5: "endpoint, feature, page, button, form, script, function, query, component, cli, server, class, tool, action,"
            "接口, 功能, 页面, 按钮, 表单, 脚本, 组件, 服务, 工具, 命令行, 开关, 缓存",
        },
        (
            "Implement this feature",
            "Create a new page with a form",
            "Write a script that reads a CSV file",
            "Add a button which exports the table",
            "实现这个功能",
            "新建一个带表单的页面",
            "写一个读取 CSV 文件的脚本",
            "加一个导出表格的按钮",
        ),
    ),
    "chat": Label(
        {
            3: "who are you, which model, what can you do, how are you, joke, good morning, good evening, good night,"
            "你是谁, 什么模型, 笑话, 你能做什么, 你会什么, 早上好, 晚上好, 下午好, 在吗",
            2: "hi, hello, hey, thanks, thank you, thx, bye, lol, haha*, awesome, cool, okay, ok, well done, great job,"
            "你好, 您好, 谢谢, 多谢, 感谢, 好的, 收到, 再见, 哈哈, 厉害, 辛苦, 搞定了, 嗨, 吃什么, 天气",
            1: "great, nice, perfect, lunch, dinner, weather, weekend, 今天, 不错, 周末",
        },
        (
            "Hello!",
            "Thank you, that helped",
            "How are you today?",
            "Tell me something funny",
            "你好！",
            "谢谢，有用",
            "你今天好吗？",
            "说点有趣的",
        ),
    ),
}
