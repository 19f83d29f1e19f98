/* Telling a child from its parent. */
#include "support.h"

#include "process.h"

static int differs(void *context)
{
	uint64_t parents = *(uint64_t *)context, own = process_number();
	return own == parents || own != process_number() || own == 0;
}

static int differs_again(void *context)
{
	uint64_t own = process_number();
	return differs(context) || child_wait(child_start(differs, &own)) || child_wait(child_start(differs, context));
}

static void a_process_has_one_number_and_its_children_have_others(void **state)
{
	(void)state;
	uint64_t own = process_number();
	assert_int_not_equal(own, 0);
	assert_int_equal(process_number(), own);
	assert_int_equal(child_wait(child_start(differs, &own)), 0);
	assert_int_equal(child_wait(child_start(differs_again, &own)), 0);
	assert_int_equal(process_number(), own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_process_has_one_number_and_its_children_have_others)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
