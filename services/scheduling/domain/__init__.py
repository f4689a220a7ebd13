"""The clinic's rules of booking: pure functions on a clinic's schedule.

What holds for any order and any repetition of a course's facts:

- What is known of a course (its terms, the version of its plan, its end, the sessions held, the
  requests seen) is always the same.
- Facts that come before their plan wait for it and are then taken in one fixed order, so a plan that
  comes last ends in the same schedule as a plan that comes first and is followed by the others in
  that order.
- While `now` stands still and nobody else uses the calendar, facts about different sessions of a
  course end in the same live appointments in any order, as long as they do not share a gap bound. Where a
  session held within the last day is among them, that holds for what is firm (within `firm_days`).
- No two live claims on one resource overlap, and each session of the plan has one live or past
  appointment, or was given up by the patient, or is reported as unplaced.

What does not hold, on purpose: as time passes and others book, the free slots change, so the same
request an hour later may get another slot. A session held within the last day lets what is not firm be
planned again from what is known then, so facts about those far sessions may find them elsewhere: the same
sessions have a time, never the same day for certain. An adjustment older than the plan's version is ignored.
"""
