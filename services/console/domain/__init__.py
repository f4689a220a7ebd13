"""What the console makes of a patient's facts, without I/O.

`patient_file` keeps them, whatever order they come in; `courses` sorts them into courses of care;
`weekly` says what a course adds to the clinic's weekly figures, and `xmr` tells a week that is
unlike the others from one that is not. Each page's own views follow from the same courses.
"""
