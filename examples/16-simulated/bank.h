/* The application: accounts, and transfers between them, which may be nodes apart. Nothing here knows of simulation. */

#ifndef BANK_H
#define BANK_H

#include <zanni.h>

/* Holds money. "add" takes the number of a transfer and an amount, and answers the balance. */
extern const zanni_class_t account_class;

/* Takes an amount from one account to another, tries again as long as it must, and ends. Starts with both accounts, its
   number, and the amount. */
extern const zanni_class_t transfer_class;

/* The mistake that the example shows: an account that does not remember which transfers it has seen. */
extern bool account_forgets;

#endif
