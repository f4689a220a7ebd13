"""What progress knows and decides, without I/O.

`record` keeps a patient's facts, whatever order they come in; `course` sorts them into courses of
care; `series`, `milestones`, `signals` and `taper` judge a course, always from all its facts;
`verdicts` collects the judgement, `publication` tells the world what changed in it, and `decide`
has one function per incoming fact. The rules are those of docs/progress.md.
"""
