# pickupd: `make run` serves with throw-away secrets, `make test` proves it. Both install what is missing.
#
#   make          build/pickupd                   make lint     floors, banned calls, headers, manual, format
#   make unit     unit tests (cmocka)             make e2e      end-to-end tests on the real binary (pytest)
#   make demo     one whole trip, unattended      make format   apply .clang-format
#   make install  to PREFIX (default /usr/local)  make uninstall
#   make deb      a Debian package in build/deb   make deb-test  it, built anew, with lintian; installed, used and purged
#   make image-test  the image of contrib/Dockerfile, built and used; needs root and the network
#   make pages    man pages, and bash's completion  make clean
#   make fuzz     every parser under libFuzzer    make replay   the corpora as tests
#   make bench    beside others, as ratios to a bare evhttp server; BENCH=half is a part of it
#   make power    power cuts at every moment, and disks that fail; POWER_SEEDS=1 is what `make test` runs
#   make crash    kill -9 under load, again and again
#   make soak     ten minutes at half of what it can do: memory, descriptors and the log stay level
#   make tsan     unit and end-to-end tests under ThreadSanitizer
#   make memcheck unit and end-to-end tests under valgrind
#   SAN=1         the same targets with ASan and UBSan, under build/asan; TSAN=1 with ThreadSanitizer
#   CC=clang      another compiler;  V=1 shows the commands

ifeq ($(origin CC),default)
CC       := gcc
endif
PREFIX   ?= /usr/local
UNITDIR  ?= $(PREFIX)/lib/systemd/system
VERSION  := 0.1.0
PACKAGES := libevent_core libevent_extra sqlite3 libssl libcrypto jansson inih libical libcurl
OUT      := build$(if $(SAN),/asan)$(if $(TSAN),/tsan)$(if $(PLAIN),/plain)
Q        := $(if $(V),,@)
PYTHON   := /usr/bin/python3
FUZZ_SECONDS ?= 60
CRASH_ROUNDS ?= 100
SOAK_SECONDS ?= 600
E2E      ?= test/e2e
# What hangs fails, and says where, and where everything hangs not all of it is waited for; no test, nor program of
# them, takes a tenth of the time.
LIMIT    := timeout --foreground -s ABRT 900
PYTEST   := $(PYTHON) -m pytest -q -rs -p no:cacheprovider --timeout 900 --maxfail 40

comma    := ,
SANITIZE := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined) \
            $(if $(TSAN),-fsanitize=thread) $(if $(SAN)$(TSAN),-fno-omit-frame-pointer) \
            $(if $(SAN)$(TSAN)$(PLAIN),-DARENA_SPARES=0 -DPOOL_BYTES=0)
# What Debian hardens with (dpkg-buildflags with hardening=+all), and what its next releases add on amd64.
HARDEN   := -fPIE -fstack-protector-strong -Wformat -Werror=format-security $(if $(SAN)$(TSAN),,-D_FORTIFY_SOURCE=2) \
            $(if $(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)),-fstack-clash-protection -fcf-protection)
CPPFLAGS += -D_GNU_SOURCE -DPICKUPD_VERSION='"$(VERSION)"' -Iinclude
CFLAGS   ?= -O2 -g
CFLAGS   += -std=c17 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
            $(HARDEN) $(SANITIZE)
LDFLAGS  += -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE)

# Asked for only when something is compiled, so that `make run` can install pkg-config first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -levent_openssl -lm)$(PKG_LIBS)

# A finding ends the program, and so the test. Where the kernel makes addresses more random than GCC 12's
# ThreadSanitizer bears, it is asked not to.
ifneq ($(TSAN),)
export TSAN_OPTIONS := halt_on_error=1:exitcode=66
export PICKUPD_PATIENCE := 3
RUN      := $(shell setarch -R true 2>/dev/null && echo setarch -R)
LEFT_OUT := test_batches.py::test_rows_too_large[ # measures memory, of which ThreadSanitizer takes several times as much
endif
ifneq ($(SAN),)
LEFT_OUT := test_explain.py test_check.py test_cli.py # start thousands of commands, which ASan slows more than all else
endif

SOURCES := $(wildcard src/*/*.c)
OBJECTS := $(SOURCES:src/%.c=$(OUT)/%.o)
ROOMS   := $(filter-out $(OUT)/cli/main.o,$(OBJECTS))
UNITS   := $(patsubst test/unit/%.c,$(OUT)/unit/%,$(wildcard test/unit/test_*.c))
POWERS  := $(patsubst test/power/%.c,$(OUT)/power/%,$(wildcard test/power/test_*.c))
POWER_ROOMS := $(patsubst test/%.c,$(OUT)/test/%.o,$(filter-out $(wildcard test/power/test_*.c),$(wildcard test/power/*.c)))
POWER_SEEDS ?= 20
FUZZERS := $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))
C_FILES  = $(wildcard src/*/*.[ch] include/*/*.h test/*/*.[ch])

all: $(OUT)/pickupd

$(OUT)/pickupd: $(OBJECTS)
	@echo "  LD $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(OUT)/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The built-in definitions are embedded with .incbin, which the compiler's own dependencies do not see.
$(OUT)/model/builtin.o: $(wildcard src/model/vendors/*.json)

$(OUT)/unit/%: test/unit/%.c $(ROOMS) Makefile
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(ROOMS) $(PKG_LIBS) -lcmocka

$(OUT)/bench/%: test/bench/%.c $(ROOMS) Makefile
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(ROOMS) $(PKG_LIBS)

$(OUT)/bench/%.so: test/bench/%.c Makefile
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -shared -fPIC $(filter-out -pie,$(LDFLAGS)) -o $@ $<

$(OUT)/test/%.o: test/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/power/%: $(OUT)/test/power/%.o $(POWER_ROOMS) $(ROOMS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

# A fuzzer that is fed the files of its corpus, and one that makes up its own.
$(OUT)/replay/%: $(OUT)/test/fuzz/fuzz_%.o $(OUT)/test/fuzz/replay.o $(ROOMS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(OUT)/fuzz/%: $(OUT)/test/fuzz/fuzz_%.o $(ROOMS)
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

run: packages-run
	$(Q)$(MAKE) -s all
	$(Q)contrib/local.sh run

demo: packages-run
	$(Q)$(MAKE) -s all
	$(Q)contrib/local.sh demo

test: packages-test
	$(Q)$(PYTHON) test/run.py

fuzz: packages-fuzz
	$(Q)CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' $(MAKE) --no-print-directory CC=clang SAN=1 OUT=build/libfuzzer \
	    $(FUZZERS:%=build/libfuzzer/fuzz/%)
	$(Q)test/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

bench: packages-bench
	$(Q)$(MAKE) -s all $(OUT)/bench/bare $(OUT)/bench/load $(OUT)/bench/claims $(OUT)/bench/disk.so $(OUT)/bench/slow.so
	$(if $(filter-out hostile,$(or $(BENCH),all)),$(Q)BENCH='$(filter-out hostile,$(BENCH))' $(PYTHON) test/bench/bench.py $(OUT))
	$(if $(filter hostile,$(or $(BENCH),hostile)),$(Q)$(PYTHON) test/bench/hostile.py $(OUT))

packages-run:
	$(Q)sh contrib/packages.sh run

packages-test:
	$(Q)sh contrib/packages.sh run test deb

packages-fuzz:
	$(Q)sh contrib/packages.sh run test fuzz

packages-bench:
	$(Q)sh contrib/packages.sh run test bench

packages-deb:
	$(Q)sh contrib/packages.sh run deb

packages-image:
	$(Q)sh contrib/packages.sh run image

lint:
	$(Q)$(PYTHON) test/lint/run.py

unit: $(UNITS)
	$(Q)status=0; for unit in $^; do $(LIMIT) $(RUN) $$unit || status=1; done; exit $$status

replay: $(FUZZERS:%=$(OUT)/replay/%)
	$(Q)status=0; for fuzzer in $^; do $(LIMIT) $$fuzzer fixtures/corpus/$${fuzzer##*/} || status=1; done; exit $$status

power: $(POWERS)
	$(Q)status=0; for power in $^; do $$power $(POWER_SEEDS) || status=1; done; exit $$status

e2e: $(OUT)/pickupd
	$(Q)PICKUPD=$(abspath $<) $(RUN) $(PYTEST) $(LEFT_OUT:%=--deselect 'test/e2e/%') $(E2E)

crash: $(OUT)/pickupd
	$(Q)PICKUPD=$(abspath $<) CRASH_ROUNDS=$(CRASH_ROUNDS) $(PYTEST) -s --timeout 0 test/e2e/test_crash.py

soak: $(OUT)/pickupd $(OUT)/bench/load
	$(Q)TMPDIR=$(abspath $(OUT)) PICKUPD=$(abspath $<) $(PYTHON) test/e2e/soak.py $(OUT)/bench/load $(SOAK_SECONDS)

tsan:
	$(Q)$(MAKE) --no-print-directory TSAN=1 unit e2e

# Built without the stores of freed memory, in which valgrind would not see what is used too late.
memcheck:
	$(Q)$(MAKE) --no-print-directory PLAIN=1 memcheck-plain

memcheck-plain: export VALGRIND_OPTS := -q --error-exitcode=66 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
memcheck-plain: export PICKUPD_PATIENCE := 10
memcheck-plain: $(UNITS) $(OUT)/pickupd
	$(Q)status=0; for unit in $(UNITS); do valgrind $$unit || status=1; done; \
	    PICKUPD=$(abspath test/memcheck/pickupd) $(PYTEST) $(E2E) || status=1; exit $$status

format:
	$(Q)clang-format -i $(C_FILES)

# From the tables that --help is printed from, and from the manual.
PAGES := $(addprefix $(OUT)/pages/,pickupd.1 pickupd.conf.5 pickupd-definition.5 pickupd.bash)

pages: $(PAGES)

$(PAGES) &: contrib/pages.py contrib/manual.md include/tbl/command.h include/tbl/config.h Makefile
	@echo "  PAGES $(@D)"
	$(Q)$(PYTHON) contrib/pages.py $(@D) $(VERSION)

# What goes where: FROM:TO, from PREFIX on. Beside these, the units, which name the binary.
EXAMPLES  := $(wildcard $(addprefix contrib/,pickupd.ini nginx.conf worker.py worker.sh post.sh prometheus-alerts.yml grafana-dashboard.json))
INSTALLED := $(OUT)/pages/pickupd.1:share/man/man1/pickupd.1 \
             $(OUT)/pages/pickupd.conf.5:share/man/man5/pickupd.conf.5 \
             $(OUT)/pages/pickupd-definition.5:share/man/man5/pickupd-definition.5 \
             $(OUT)/pages/pickupd.bash:share/bash-completion/completions/pickupd \
             contrib/pickupd.sysusers:lib/sysusers.d/pickupd.conf \
             contrib/pickupd.tmpfiles:lib/tmpfiles.d/pickupd.conf \
             contrib/manual.md:share/doc/pickupd/manual.md \
             $(foreach file,$(EXAMPLES),$(file):share/doc/pickupd/examples/$(notdir $(file))) \
             $(foreach file,$(wildcard contrib/vendors/*.json),$(file):share/pickupd/vendors/$(notdir $(file)))
UNITS_INSTALLED := $(notdir $(wildcard contrib/*.service contrib/*.socket))

install: $(OUT)/pickupd $(PAGES)
	$(Q)install -D -m 755 $< '$(DESTDIR)$(PREFIX)/bin/pickupd'
	$(Q)for each in $(INSTALLED); do \
	    mode=644; case $$each in *.py|*.sh) mode=755 ;; esac; \
	    install -D -m $$mode "$${each%%:*}" '$(DESTDIR)$(PREFIX)'/"$${each#*:}" || exit 1; done
	$(Q)install -d '$(DESTDIR)$(UNITDIR)'
	$(Q)for unit in $(UNITS_INSTALLED); do \
	    sed -e '1,/^$$/{/^#/d;/^$$/d}' -e '/^Description=/a Documentation=man:pickupd(1)' \
	        -e 's|/usr/local/bin/pickupd|$(PREFIX)/bin/pickupd|' contrib/$$unit \
	        > '$(DESTDIR)$(UNITDIR)'/$$unit && chmod 644 '$(DESTDIR)$(UNITDIR)'/$$unit || exit 1; done

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/pickupd' $(foreach unit,$(UNITS_INSTALLED),'$(DESTDIR)$(UNITDIR)/$(unit)') \
	    $(foreach each,$(INSTALLED),'$(DESTDIR)$(PREFIX)/$(lastword $(subst :, ,$(each)))')
	-rmdir -p --ignore-fail-on-non-empty $(addprefix '$(DESTDIR)$(PREFIX)'/share/,pickupd/vendors doc/pickupd/examples)

deb: packages-deb $(PREBUILT)
	$(Q)contrib/deb.sh $(VERSION) $(PREBUILT)

# With PREBUILT=build/pickupd nothing is compiled anew: that is what `make test` runs.
deb-test: deb $(OUT)/pickupd $(PAGES)
	$(Q)$(PYTEST) test/package

# Built with buildah, and used as an engine would.
image-test: packages-image
	$(Q)test/package/image.sh

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(UNITS:=.d) $(wildcard $(OUT)/test/*/*.d $(OUT)/bench/*.d)

.PHONY: all run demo test fuzz bench packages-run packages-test packages-fuzz packages-bench packages-deb packages-image lint unit power replay e2e crash soak tsan memcheck memcheck-plain format pages install uninstall deb deb-test image-test clean
.SECONDARY:
