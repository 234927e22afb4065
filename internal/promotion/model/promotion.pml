/*
 * What a promotion rests on: locks, fence, intent, record. README.md says how to read and run it.
 *
 * Two functions with an alias each. Runs 1, 2, ... promote: run n's candidate is version n, and its commit is ahead of
 * that of run n-1. Version 0 is what the aliases hold at the beginning. After the runs come rollbacks.
 */
#ifndef RUNS
#define RUNS 2
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 0
#endif
#ifndef LATE
#define LATE 1          /* how many writes at a time may be on their way with their sender gone on */
#endif
#ifndef TRIES
#define TRIES 1         /* how often a write is repeated */
#endif

#define ABSENT  14      /* instead of a version: there is no such alias */
#define TOUCH   15      /* instead of a version: the write changes nothing but the revision */
#define one(n)  (1 << (n))

/*
 * ---- Lambda. Nobody compares revisions but for equality with the present one, so an alias does not need to have one:
 * it has the set of those whose last reading, or last acknowledged write, gave them the one that it has now.
 */
byte value[2];
byte current[2];

/* A write without an answer. Once the alias moves it is refused whenever it comes, so it is forgotten then. */
typedef Write { bool sent; bit alias; byte old, new, under }
Write late[LATE];

/* ---- DynamoDB. Each atomic step on these is one transaction. */
byte owner, fence;
bool dirty;
byte number, order, floor;          /* of HEAD: its entry, whose commit it holds, what was rolled back last */
byte head[2], before[2];            /* of HEAD, and of what its entry replaced */
bool open, opensBack;               /* the intent, and whether it is a rollback's */
byte intentOf, intentFrom[2], intentTo[2];
byte lateRecord;                    /* whose record of its intent is still on its way, after its sender has gone on */

#ifdef CODE
byte codeOwner;
byte latest, latestCurrent;         /* $LATEST: whose code it is, and who knows its revision */
byte lateUpload;                    /* whose upload is on its way */
byte codeOf[RUNS + 1];              /* of the versions, which are named after those who published them */
#endif

hidden byte i, j;                   /* of loops within one step */

/* ---- For the properties only. */
byte decided[2];                    /* the greatest fence under which the alias was read for a decision */
byte newest;                        /* the newest commit that HEAD has ever held */
byte verified = 1;                  /* versions that may be pointed to: the baseline, and what passed */

#define held        (owner == me && fence == mine)
#define knows(a)    (current[a] & one(me))
#ifdef CODE
#define vouched(v)  ((verified & one(v)) && codeOf[v] == v)
#else
#define vouched(v)  (verified & one(v))
#endif
#define after(a)    (value[a] == intentTo[a])
#define together    (value[0] == head[0] && value[1] == head[1])

#ifdef NO_REVISION
#define passes(a, to)  (to != TOUCH || knows(a))
#else
#define passes(a, to)  knows(a)
#endif

/* Those behind move up, since the order of what is on its way means nothing. */
inline forget(n) {
	j = n;
	do
	:: j + 1 < LATE ->
		late[j].sent = late[j + 1].sent; late[j].alias = late[j + 1].alias; late[j].old = late[j + 1].old;
		late[j].new = late[j + 1].new; late[j].under = late[j + 1].under;
		j++
	:: else -> break
	od;
	late[j].sent = false; late[j].alias = 0; late[j].old = 0; late[j].new = 0; late[j].under = 0;
	j = 0
}

/* A write of an alias is carried out. */
inline land(a, from, to, f) {
	if
	:: to != TOUCH && value[a] == ABSENT -> value[a] = to             /* its creation may come at any time */
	:: to != TOUCH && value[a] != ABSENT ->
		assert(f >= decided[a]);                                      /* A */
		assert(value[a] == from);                                     /* B */
		assert(open);                                                 /* C */
		value[a] = to
	:: else -> skip
	fi;
	assert(value[a] == ABSENT || (vouched(value[a])));                /* D */
	current[a] = 0;
#ifndef NO_REVISION
	i = 0;
	do
	:: i < LATE && late[i].sent && late[i].alias == a -> forget(i)
	:: i < LATE && !(late[i].sent && late[i].alias == a) -> i++
	:: i == LATE -> break
	od;
#endif
	i = 0
}

/* The alias was read for a decision. */
inline decide(a) { if :: mine > decided[a] -> decided[a] = mine :: else -> skip fi }

/* A conditional write by a holder. Where it has an answer, whenever that comes, it may as well be carried out in the
 * same moment. Where it has none, its sender goes on, and it is carried out later, or never.
 */
#define DONE    1
#define REFUSED 2
#define UNKNOWN 3
inline write(a, from, to) {
	if
	:: atomic {
		passes(a, to) ->
		land(a, from, to, mine);
		current[a] = one(me); unsure = unsure & ~one(a); result = DONE;
		if :: to == TOUCH -> decide(a) :: else -> skip fi }
	:: atomic { !passes(a, to) -> result = REFUSED }
	:: atomic {
		passes(a, to) && !late[LATE - 1].sent ->
		do :: late[i].sent -> i++ :: else -> break od;
		late[i].sent = true; late[i].alias = a; late[i].old = from; late[i].new = to; late[i].under = mine;
		i = 0; unsure = unsure | one(a); result = UNKNOWN }
	fi
}

inline look(a) { was = value[a]; current[a] = current[a] | one(me) }

/* The lock is read. What is written on the ground of it rests on a revision that was known before. */
#define check(otherwise) \
	if \
	:: atomic { held -> skip } \
	:: atomic { !held -> goto otherwise } \
	fi

inline giveBack(clean) { owner = 0; dirty = !(clean); lateRecord = 0 }

/* HEAD is written, and the intent closed. */
inline settle() {
	number++;
	open = false; opensBack = false; intentOf = 0; lateRecord = 0;
	intentFrom[0] = 0; intentFrom[1] = 0; intentTo[0] = 0; intentTo[1] = 0
}

inline recordDone() {
	if
	:: opensBack -> floor = order; order = before[1]
	:: else ->
		assert(intentOf > newest);                                    /* E */
		newest = intentOf; order = intentOf;
		before[0] = head[0]; before[1] = head[1]
	fi;
	head[0] = intentTo[0]; head[1] = intentTo[1];
	assert(together);                                                 /* C */
	settle()
}

inline recordUndone() {
	/* a created alias stays where its creation left it */
	assert((value[0] == head[0] || head[0] == ABSENT) && value[1] == head[1]); /* C */
	settle()
}

inline arrive(n) {
	atomic {
		late[n].sent ->
		on = late[n].alias; from = late[n].old; to = late[n].new; f = late[n].under;
		forget(n);
		land(on, from, to, f);
		on = 0; from = 0; to = 0; f = 0
	}
}

active proctype Network() {
	byte on, from, to, f;
end:
	do
	:: arrive(0)
#if LATE > 1
	:: arrive(1)
#endif
#if LATE > 2
	:: arrive(2)
#endif
	:: atomic { lateRecord != 0 -> recordDone(); giveBack(true) }
#ifdef CODE
	:: atomic { lateUpload != 0 -> latest = lateUpload; latestCurrent = 0; lateUpload = 0 }
#endif
	od
}

/* What became of an alias in the hands of this holder. */
#define MOVED   1       /* by an acknowledged write: it has the revision of that */
#define FOUND   2       /* by a write without an answer: its revision was read */
#define PERHAPS 3

/* The mutants: each takes one thing away. */
#ifdef INTENT_UNCHECKED
#define mayIntend   (!open && number == seen)
#else
#define mayIntend   (held && !open && number == seen)
#endif
#ifdef FOUND_IS_OWN
#define own(fate)   (fate == MOVED || fate == FOUND)
#else
#define own(fate)   (fate == MOVED)
#endif
#ifdef ALWAYS_CLEAN
#define clean       true
#else
#define clean       (!inherited && unsure == 0)
#endif
#ifdef NO_BARRIER
#define barrier     false
#else
#ifdef RECONCILE_UNTOUCHED
#define barrier     (inherited && !found)
#else
#define barrier     inherited
#endif
#endif
#ifdef NO_DIGEST
#define PUBLISHES   true
#else
#define PUBLISHES   (latest == me && (latestCurrent & one(me)))
#endif
#ifdef ORDER_BEFORE
#define askOrder()  skip
#else
#define askOrder()  may = inOrder
#endif

#define mayRecord   (held && open && number == seen)
#define inOrder     (goesBack -> (order > floor && order > 0) : (me > order && me > floor))

inline take() {
	inherited = (owner != 0 || dirty);
	fence++; owner = me; mine = fence; dirty = true; lateRecord = 0;
	if :: early && !inherited && !found -> decide(0); decide(1) :: else -> skip fi
}

inline readBook() {
	seen = number; found = open; backwards = opensBack;
	from[0] = intentFrom[0]; from[1] = intentFrom[1]; to[0] = intentTo[0]; to[1] = intentTo[1]
}

/* An intent of somebody else's is closed, and the holder's own work begins. */
inline proceed() {
	seen = number; found = false; backwards = goesBack;
	from[0] = 0; from[1] = 0; to[0] = 0; to[1] = 0; fate[0] = 0; fate[1] = 0; a = 0; tries = 0; result = 0; was = 0;
	askOrder()
}

inline putBack() {
	if
	:: atomic { result == DONE -> fate[a - 1] = 0; tries = 0; a--; result = 0; was = 0 }
	:: atomic { result != DONE && tries <= TRIES -> tries++; result = 0; was = 0 }
	:: atomic { result != DONE && tries > TRIES -> goto leave }
	fi
}

proctype Holder(byte me; bool goesBack) {
	byte mine, seen, result, tries, was, unsure, a;
	byte from[2], to[2], fate[2];
	bool inherited, found, may, early, backwards;

	atomic { verified = (goesBack -> verified : verified | one(me)); backwards = goesBack };

	/* A run may have made its plan before it has the lock. Where nobody has competed, that is what it goes by. */
	if
	:: !goesBack ->
		atomic { seen = number; found = open; may = inOrder; if :: !may -> goto leave :: else -> skip fi };
		atomic { look(0); from[0] = was };
		atomic { look(1); from[1] = was; was = 0; early = true }
	:: skip
	fi;
#ifdef ORDER_BEFORE
	atomic { may = inOrder; if :: !may -> goto leave :: else -> skip fi };
#endif
#ifdef CODE
	/* Upload and publish. The code lock can be taken over at any moment too, and nothing rests on it. */
	atomic { codeOwner = me };
	atomic { latestCurrent = latestCurrent | one(me) };
	if
	:: atomic { latestCurrent & one(me) -> latest = me; latestCurrent = one(me); lateUpload = 0 }
	:: atomic { !(latestCurrent & one(me)) -> goto leave }
	:: atomic { (latestCurrent & one(me)) && lateUpload == 0 -> lateUpload = me };
		if
		:: atomic { latest == me -> latestCurrent = latestCurrent | one(me) }
		:: goto leave
		fi
	fi;
	if
	:: atomic { PUBLISHES -> codeOf[me] = latest }
	:: atomic { !(PUBLISHES) -> goto leave }
	fi;
	/* One transaction exchanges the locks where nobody holds the next. Otherwise the first is given back before. */
	if
	:: atomic { codeOwner == me && owner == 0 -> codeOwner = 0; take() }
	:: atomic { codeOwner == me && owner != 0 -> codeOwner = 0 }; atomic { take() }
	:: atomic { codeOwner != me -> goto leave }
	fi;
#else
	atomic { take() };
#endif
	atomic {
		if
		:: early && !inherited && !found -> to[0] = me; to[1] = me; goto intend
		:: else -> early = false
		fi
	};
	atomic { readBook(); askOrder() };

	/* The barrier. Where there is no alias there is none. */
	do
	:: atomic { !barrier || a == 2 -> a = 0; tries = 0; result = 0; was = 0; if :: barrier -> inherited = false :: else -> skip fi; break }
	:: atomic { barrier && a < 2 && value[a] == ABSENT -> a++ }
	:: atomic { barrier -> goto leave }
	:: atomic { barrier && a < 2 && value[a] != ABSENT -> look(a) };
		write(a, 0, TOUCH);
		if
		:: atomic { result == DONE -> tries = 0; a++; result = 0; was = 0 }
		:: atomic { result != DONE && tries < TRIES -> tries++; result = 0; was = 0 }
		:: atomic { result != DONE && tries >= TRIES -> goto leave }
		fi
	od;

	/* What a dead run has left half done is finished where all has moved, and a rollback always; else it is put back. */
	do
	:: atomic { !found -> goto decision }
	:: atomic { found && a < 2 -> look(a); decide(a); fate[a] = ((was == to[a] && from[a] != to[a]) -> MOVED : 0); was = 0; a++ }
	:: atomic { found && a == 2 -> a = 0; break }
	od;
#ifndef RECONCILE_UNCHECKED
	check(leave);
#endif
	if
	:: atomic { backwards ->
		if :: fate[0] == MOVED -> from[0] = to[0]; fate[0] = 0 :: else -> skip fi;
		if :: fate[1] == MOVED -> from[1] = to[1]; fate[1] = 0 :: else -> skip fi;
		goto flips }
	:: atomic { !backwards && !goesBack && fate[0] == MOVED && fate[1] == MOVED -> from[0] = to[0]; from[1] = to[1]; fate[0] = 0; fate[1] = 0; goto flips }
	:: atomic { !backwards && !(!goesBack && fate[0] == MOVED && fate[1] == MOVED) -> goto back }
	fi;

decision:
	if
	:: may -> skip
	:: !may -> goto leave
	fi;
	do
	:: atomic {
		a < 2 ->
		look(a); decide(a); from[a] = was; to[a] = me; was = 0;
		assert(!held || from[a] == head[a] || head[a] == ABSENT);     /* C */
		a++ }
	:: atomic { a == 2 -> a = 0; break }
	od;

intend:
	atomic {
		if
		:: mayIntend ->
			if
			:: goesBack -> to[0] = (before[0] == ABSENT -> from[0] : before[0]); to[1] = before[1]
			:: else -> skip
			fi;
			open = true; opensBack = goesBack; intentOf = me;
			intentFrom[0] = from[0]; intentFrom[1] = from[1]; intentTo[0] = to[0]; intentTo[1] = to[1]
		:: !(mayIntend) -> goto leave
		fi
	};

flips:	/* Each alias is moved. A fault may come before any of them, and after all. */
	do
	:: atomic { a == 2 -> a = 0; tries = 0; break }
	:: atomic { a < 2 && from[a] == to[a] -> a++ }
	:: atomic { a < 2 && from[a] != to[a] && !backwards -> goto back }
	:: atomic { a < 2 && from[a] != to[a] -> skip };
move:		write(a, from[a], to[a]);
		if
		:: atomic { result == DONE -> fate[a] = MOVED; tries = 0; a++; result = 0 }
		:: atomic { result != DONE -> result = 0 };
#ifdef CHECK_THEN_READ
			check(stop);
#endif
			if
			:: atomic { value[a] == to[a] -> look(a); was = 0; fate[a] = FOUND; unsure = unsure & ~one(a); tries = 0; a++ }
			:: atomic { value[a] == from[a] && tries < TRIES -> look(a); was = 0; tries++ };
#if !defined(CHECK_THEN_READ) && !defined(RETRY_UNCHECKED)
				check(stop);
#endif
				goto move
			:: atomic { value[a] != to[a] && !(value[a] == from[a] && tries < TRIES) -> goto stop }
			fi
		fi
	od;

	if
	:: atomic { !backwards && !found -> goto back }
	:: atomic { mayRecord && !found -> recordDone(); giveBack(unsure == 0); goto leave }
	:: atomic { mayRecord && found && goesBack -> recordDone(); giveBack(unsure == 0); goto leave }
	:: atomic { mayRecord && found && !goesBack -> recordDone(); proceed(); goto decision }
	:: atomic { !(mayRecord) && (backwards || found) -> goto leave }
	:: atomic { !(mayRecord) && !backwards && !found -> goto back }
	:: atomic { mayRecord && !found -> lateRecord = me }             /* no answer: from now on it must not go back */
	fi;
#ifdef RECORD_FORGOTTEN
	goto back;
#endif
	if
	:: atomic { mayRecord -> recordDone(); giveBack(unsure == 0) }
	:: skip
	fi;
	goto leave;

stop:	/* What was tried last may be carried out yet, or cannot be any more. A rollback goes on another time. */
	atomic {
		fate[a] = ((unsure & one(a)) -> PERHAPS : 0);
		if :: backwards || found -> goto leave :: else -> skip fi
	};

back:	/* In reverse: with the revision of its own write, or under the lock. A created alias stays. */
	atomic { a = 2; tries = 0; result = 0; was = 0 };
	do
	:: atomic { a == 0 -> tries = 0; break }
	:: atomic { a > 0 && fate[a - 1] != 0 -> goto leave }             /* there was no more time */
	:: atomic { a > 0 && (fate[a - 1] == 0 || from[a - 1] == ABSENT) -> fate[a - 1] = 0; a-- }
	:: atomic { a > 0 && fate[a - 1] != 0 && from[a - 1] != ABSENT && own(fate[a - 1]) && tries == 0 -> skip };
		write(a - 1, to[a - 1], from[a - 1]);
		putBack()
	:: atomic {
		a > 0 && fate[a - 1] != 0 && from[a - 1] != ABSENT && !(own(fate[a - 1]) && tries == 0) ->
		look(a - 1);
		if
		:: was == to[a - 1] -> fate[a - 1] = FOUND
		:: was == from[a - 1] && fate[a - 1] == PERHAPS -> skip
		:: was == from[a - 1] && fate[a - 1] != PERHAPS -> unsure = unsure & ~one(a - 1); result = DONE
		:: else -> goto leave
		fi };
		if
		:: result == DONE -> skip
		:: result != DONE ->
#ifndef BACK_UNCHECKED
			check(leave);
#endif
			if
			:: was == to[a - 1] -> write(a - 1, to[a - 1], from[a - 1])
			:: was != to[a - 1] -> write(a - 1, 0, TOUCH)
			fi
		fi;
		putBack()
	od;
	atomic {
		if
		:: !(mayRecord) -> goto leave
		:: mayRecord && found && !goesBack -> recordUndone(); proceed(); goto decision
		:: mayRecord && !(found && !goesBack) ->
			if :: goesBack && intentOf > floor -> floor = intentOf :: else -> skip fi;
			recordUndone(); giveBack(unsure == 0); goto leave
		fi
	};

leave:
	atomic {
		if
		:: held -> giveBack(clean)
		:: !held -> skip
		fi;
		mine = 0; seen = 0; result = 0; tries = 0; was = 0; unsure = 0; a = 0;
		inherited = false; found = false; may = false; early = false; backwards = false;
		from[0] = 0; from[1] = 0; to[0] = 0; to[1] = 0; fate[0] = 0; fate[1] = 0;
		current[0] = current[0] & ~one(me); current[1] = current[1] & ~one(me)
	}
}

inline under_way(n) { late[0].sent = true; late[0].alias = n; late[0].old = value[n]; late[0].new = 1; late[0].under = 1 }
inline put_back(n) { late[0].sent = true; late[0].alias = n; late[0].old = 1; late[0].new = 0; late[0].under = 1 }

/* Run 1 has died under the lock, at any point, and its last write may be under way. */
inline dead() {
	owner = 1; fence = 1; dirty = true; verified = verified | one(1);
	decided[0] = 1; decided[1] = 1;
	if
	:: skip
	:: open = true; intentOf = 1; intentFrom[0] = value[0]; intentFrom[1] = value[1]; intentTo[0] = 1; intentTo[1] = 1;
		if
		:: skip
		:: under_way(0)
		:: value[0] = 1; under_way(1)
		:: value[0] = 1
		:: value[0] = 1; value[1] = 1
		:: value[0] = 1; value[1] = 1; put_back(1)
		fi
	fi
}
/* Run 1 has promoted. */
inline done() {
	value[0] = 1; value[1] = 1; before[0] = head[0]; before[1] = head[1]; head[0] = 1; head[1] = 1;
	fence = 1; number = 1; order = 1; newest = 1; verified = verified | one(1); decided[0] = 1; decided[1] = 1
}

init {
	byte n;
	atomic {
#ifdef CREATION
		value[0] = ABSENT; head[0] = ABSENT; before[0] = ABSENT;
#endif
		n = 1;
#ifdef FIRST_DIED
		dead(); n = 2;
#endif
#ifdef FIRST_DONE
		done(); n = 2;
#endif
		do
		:: n <= RUNS -> run Holder(n, false); n++
		:: n > RUNS && n <= RUNS + ROLLBACKS -> run Holder(n, true); n++
		:: n > RUNS + ROLLBACKS -> break
		od;
		n = 0
	}
}
