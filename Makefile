# The short front door. Meson does the work; each preset builds in a folder of its own.
MESON_SETUP = meson setup
PRESETS = debug asan tsan fuzz coverage planted

release_options  = --buildtype=release -Db_lto=true -Dtests=false
debug_options    = --buildtype=debug
asan_options     = --buildtype=debugoptimized -Db_sanitize=address,undefined -Djemalloc=disabled
tsan_options     = --buildtype=debugoptimized -Db_sanitize=thread -Djemalloc=disabled
fuzz_options     = --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Djemalloc=disabled -Dfuzz=true
coverage_options = --buildtype=debug -Db_coverage=true
planted_options  = --buildtype=debugoptimized -Dplanted=true
fuzz_compiler    = CC=clang

.PHONY: release $(PRESETS) demo test bench bench-gossip check format hooks clean help

release:
	@tools/setup
	@test -f build/build.ninja || $(MESON_SETUP) build $(release_options)
	@ninja -C build

$(PRESETS):
	@tools/setup test
	@test -f build-$@/build.ninja || $($@_compiler) $(MESON_SETUP) build-$@ $($@_options)
	@ninja -C build-$@

demo: release
	@TROTHDB_UNDER_MAKE=demo build/trothdb demo $(if $(PORT),--port $(PORT))

test: release
	@tools/setup test
	@tools/test

bench: release
	@tools/setup bench
	@bench/run

bench-gossip: release
	@tools/setup bench
	@bench/gossip

check:
	@tools/setup test
	@tools/check-layers
	@tools/tidy
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
	@echo "clang-format: nothing to change"

format:
	@tools/setup test
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

hooks:
	@git config core.hooksPath tools/hooks
	@echo "tools/hooks/pre-commit runs before each commit now; git config --unset core.hooksPath turns it off"

clean:
	@rm -rf build $(PRESETS:%=build-%)

help:
	@echo "make             build/trothdb and its two simulators, optimised; installs what is missing"
	@echo "make demo        three nodes, real data, a killed leader, nothing lost; PORT=8001 if ports are taken"
	@echo "make test        every test"
	@echo "make bench       our figures beside the peers', in one run"
	@echo "make bench-gossip"
	@echo "                 our agents beside Serf's, in one run"
	@echo "make <preset>    another build, in build-<preset>: $(PRESETS)"
	@echo "make check       the layers, tidiness and form of the code, in seconds"
	@echo "make format      brings all C into its form"
	@echo "make hooks       has git run the checks before each commit"
	@echo "make clean       removes everything that was built"
